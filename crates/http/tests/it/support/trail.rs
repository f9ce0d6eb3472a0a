//! The audit trail, as it is stored.

use stepgate_domain::audit::AuditEvent;
use uuid::Uuid;

use super::Server;

impl Server {
    /// Action and body of the events that are filed there, oldest first.
    pub(crate) async fn trail(&self, environment: Uuid) -> Vec<(String, AuditEvent)> {
        let mut events = stepgate_store::audit::list(&*self.engine, environment, 10_000)
            .await
            .unwrap();
        events.reverse();
        events.sort_by_key(|event| event.recorded_at);
        let read = |body: &str| serde_json::from_str(body).unwrap();
        events
            .into_iter()
            .map(|event| (event.action, read(&event.body)))
            .collect()
    }

    /// The events of one request.
    pub(crate) async fn trail_of(
        &self,
        environment: Uuid,
        correlation_id: &str,
    ) -> Vec<(String, AuditEvent)> {
        let mut events = self.trail(environment).await;
        events.retain(|(_, event)| event.correlation_id == correlation_id);
        events
    }
}
