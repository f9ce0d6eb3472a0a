//! NotificationsPolicy
