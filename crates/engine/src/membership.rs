//! What the API asks about the cluster, and orders.

use crate::engine::Engine;
use crate::member::Member;
use crate::status::{ClusterError, ClusterStatus, MemberStatus, MemberView};
use std::sync::Arc;

impl Engine {
    fn clustered(&self) -> Result<&Arc<Member>, ClusterError> {
        self.member().ok_or(ClusterError::NotClustered)
    }

    /// The cluster as all its members together see it.
    pub async fn cluster_status(&self) -> ClusterStatus {
        match self.member() {
            Some(member) => member.status().await,
            None => self.alone(),
        }
    }

    /// The cluster as this member sees it; nobody else is asked.
    pub fn local_status(&self) -> ClusterStatus {
        self.member().map_or_else(|| self.alone(), |member| member.local_status())
    }

    /// A member alone: itself.
    fn alone(&self) -> ClusterStatus {
        let server = &self.options.server;
        let itself = MemberView {
            id: server.server_id.clone(),
            name: server.hostname.clone(),
            roles: vec!["worker".to_owned()],
            status: MemberStatus::Alive,
            this: true,
            ..MemberView::default()
        };
        ClusterStatus {
            cluster_id: server.cluster_id.clone(),
            member_id: server.server_id.clone(),
            member_name: server.hostname.clone(),
            time_ms: crate::clock::wall() / 1_000_000,
            healthy: true,
            members: vec![itself],
            ..ClusterStatus::default()
        }
    }

    /// Has the member whose peer port is at `address` join this cluster.
    pub async fn add_member(&self, address: String) -> Result<MemberView, ClusterError> {
        self.clustered()?.add_member(&address).await
    }

    /// Removes a member for good.
    pub async fn remove_member(&self, id_or_name: String) -> Result<(), ClusterError> {
        self.clustered()?.remove_member(&id_or_name).await
    }

    /// Hands leadership over: of a shard, or of the control group when none is named.
    pub async fn hand_over(&self, group: Option<u32>, to: Option<String>) -> Result<(), ClusterError> {
        self.clustered()?.hand_over(group, to.as_deref()).await
    }

    /// Waits until what this member reads is not older than what anybody was told before.
    pub async fn linearizable(&self) -> Result<(), ClusterError> {
        match self.member() {
            Some(member) => member.linearizable().await,
            None => Ok(()),
        }
    }

    /// Reads again what may change while the server runs: the certificates of the peer port.
    pub fn reload(&self) -> Result<(), ClusterError> {
        let reloaded = self.member().map_or(Ok(()), |member| member.reload());
        reloaded.map_err(ClusterError::Invalid)
    }

    /// Why nothing can be agreed on at the moment; `None` when it can.
    pub fn no_quorum(&self) -> Option<String> {
        self.member().and_then(|member| member.no_quorum())
    }
}
