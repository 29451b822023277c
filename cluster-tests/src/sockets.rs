//! Which process is at the other end of a connection, from `/proc`: the receiver learns so which
//! member delivers, whatever address that member calls from.

use std::net::{IpAddr, SocketAddr};

/// The first of these processes that holds the socket of this local address.
pub fn owner(of: SocketAddr, processes: &[u32]) -> Option<u32> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let socket = format!("socket:[{}]", inode(&table, of)?);
    processes.iter().copied().find(|process| holds(*process, &socket))
}

fn holds(process: u32, socket: &str) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == socket))
}

/// The inode of the socket with this local address, in a table of the kernel's.
fn inode(table: &str, of: SocketAddr) -> Option<&str> {
    let IpAddr::V4(ip) = of.ip() else { return None };
    let wanted = format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), of.port());
    table.lines().find_map(|line| {
        let mut columns = line.split_whitespace();
        (columns.nth(1)? == wanted).then(|| columns.nth(7)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0B00007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n";
        let address = |text: &str| text.parse().expect("an address");
        assert_eq!(inode(table, address("127.0.0.11:9092")), Some("4711"));
        assert_eq!(inode(table, address("127.0.0.12:9092")), None);
    }

    #[test]
    fn our_own_connection_is_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
        let local = stream.local_addr().expect("an address");
        assert_eq!(owner(local, &[std::process::id()]), Some(std::process::id()));
        assert_eq!(owner(local, &[]), None);
    }
}
