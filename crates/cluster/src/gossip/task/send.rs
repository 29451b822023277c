//! How a word gets out: into an envelope, under the seal, to an address behind a name.

use super::{Body, Envelope, Instant, SocketAddr, Task, add, address, count, unix_ms};

impl Task {
    /// Sends to a member by its advertised address.
    pub(super) fn send_to(&mut self, address: &str, body: Body<'_>, now: Instant) {
        // Foca may try to reach an earlier generation of this very member.
        if address == self.about.gossip {
            return;
        }
        let Some(datagram) = self.datagram(body) else { return };
        match self.names.pick(address, now) {
            Some(at) => self.transmit(&datagram, at),
            // A name that cannot be found loses what is sent, as the network would.
            None if self.names.hold(address, datagram) => {}
            None => count(&self.counters().send_failures),
        }
    }

    /// Sends to whoever lives at an address.
    pub(super) fn send_at(&self, at: SocketAddr, body: Body<'_>) {
        if let Some(datagram) = self.datagram(body) {
            self.transmit(&datagram, at);
        }
    }

    pub(super) fn datagram(&self, body: Body<'_>) -> Option<Vec<u8>> {
        let (cluster, belongs) = self.side.shown();
        let address = self.about.gossip.as_str();
        let envelope = Envelope { cluster, belongs, sent: unix_ms(), address, id: self.about.id, body };
        let sealed = envelope.encode().and_then(|plain| self.seal.seal(&plain));
        if sealed.is_none() {
            count(&self.counters().send_failures);
        }
        sealed
    }

    /// A datagram that cannot be sent now is lost, as it may be on its way: gossip repeats itself.
    pub(super) fn transmit(&self, datagram: &[u8], at: SocketAddr) {
        let sent = address::for_socket(self.local, at).map(|to| self.socket.try_send_to(datagram, to));
        match sent {
            Some(Ok(_)) => {
                count(&self.counters().packets_out);
                add(&self.counters().bytes_out, datagram.len() as u64);
            }
            Some(Err(_)) | None => count(&self.counters().send_failures),
        }
    }
}
