//! Tells a user that a device became active, so that nobody adds one behind the user's back.

use stepgate_domain::{
    audit::Action,
    message::Message,
    resources::{
        device::Device,
        device_authentication_policy::DeviceAuthenticationPolicy,
        template::{NEW_DEVICE_PAIRED, Rendered},
    },
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::engine::Statement;

use super::{
    Owner,
    sending::{Outgoing, Purpose, chosen, judged, value_of},
};
use crate::{
    error::ManagementError,
    management::Target,
    outbox::{self, Queued},
};

/// The writes that count and queue the notice, and the notice. It goes out by the first channel of
/// the policy that can carry it; where none can, the device is active all the same.
pub(super) async fn notice(
    target: &Target<'_>,
    owner: &Owner,
    policy: &DeviceAuthenticationPolicy,
    now: Timestamp,
) -> Result<(Vec<Statement>, Option<Queued>), ManagementError> {
    let (app, environment, user) = (target.app, owner.document.environment, &owner.user.body);
    for &channel in policy.new_device_notification.channels() {
        let (Some(to), Some(content)) = (
            user.profile.recipient(channel),
            chosen(&NEW_DEVICE_PAIRED, user, channel),
        ) else {
            continue;
        };
        let outgoing = Outgoing {
            channel,
            to: &to,
            purpose: Purpose::Notice,
            has_content: true,
        };
        let Ok(mut statements) = judged(app, owner, &outgoing, policy, now).await? else {
            continue;
        };
        let Rendered { subject, text } = content.rendered(|name| value_of(user, name, now));
        let message = Message {
            id: app.new_id::<Message>().to_string(),
            channel,
            to,
            subject,
            text: Secret::new(text),
            code: None,
            sender: None,
        };
        let key = app.data_key(environment).await?;
        let (statement, queued) = outbox::queue(app, &key, environment, None, message, now)?;
        statements.push(statement);
        statements.push(target.event::<Device>(&Action::NOTIFICATION_CREATED, now)?);
        return Ok((statements, Some(queued)));
    }
    Ok((Vec::new(), None))
}
