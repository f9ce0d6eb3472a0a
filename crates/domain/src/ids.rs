//! What ids name where the rules of signing on are. The managed types live elsewhere; an id is cast at
//! the border.

use crate::id::Id;

#[derive(Debug)]
pub enum Environment {}
#[derive(Debug)]
pub enum Application {}
#[derive(Debug)]
pub enum User {}
#[derive(Debug)]
pub enum Device {}
#[derive(Debug)]
pub enum Policy {}
#[derive(Debug)]
pub enum Message {}
#[derive(Debug)]
pub enum Flow {}

pub type FlowId = Id<Flow>;
pub type EnvironmentId = Id<Environment>;
pub type ApplicationId = Id<Application>;
pub type UserId = Id<User>;
pub type DeviceId = Id<Device>;
pub type PolicyId = Id<Policy>;
/// The id of an outbox row: the message that carries a code.
pub type MessageId = Id<Message>;
