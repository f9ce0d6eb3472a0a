//! `user.import+json`: a new user together with what other bodies may not set.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Lifecycle, LifecycleStatus, User, UserDraft};
use crate::{resource::Context, secret::Secret, violation::Violation};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportDraft {
    #[serde(flatten)]
    pub user: UserDraft,
    pub email_verified: Option<bool>,
    pub lifecycle: Option<LifecycleDraft>,
    pub password: Option<PasswordDraft>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct LifecycleDraft {
    #[serde(default)]
    pub status: LifecycleStatus,
    #[serde(default)]
    pub suppress_verification_code: bool,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PasswordDraft {
    #[schemars(with = "Option<String>", length(min = 1, max = 4096))]
    pub value: Option<Secret<String>>,
    #[serde(default)]
    pub force_change: bool,
    pub external: Option<Value>,
}

/// A password that comes with the user, still to be judged and hashed.
#[derive(Debug, Clone)]
pub struct PasswordImport {
    pub value: Secret<String>,
    pub force_change: bool,
}

#[derive(Debug)]
pub struct Imported {
    pub user: User,
    pub password: Option<PasswordImport>,
}

/// Builds the user of an import. Its faults about the password itself come from
/// [`crate::password`], with the target `password`.
pub fn import(draft: ImportDraft, context: &Context<'_>) -> Result<Imported, Vec<Violation>> {
    let mut faults = Vec::new();
    let password = draft.password.and_then(|password| {
        if password.external.is_some() {
            faults.push(Violation::invalid(
                "password.external",
                "passwords of other directories are not supported",
            ));
        }
        password.value.map(|value| PasswordImport {
            value,
            force_change: password.force_change,
        })
    });
    let has_email = draft.user.profile.email.is_some();
    let lifecycle = draft.lifecycle.unwrap_or(LifecycleDraft {
        status: LifecycleStatus::AccountOk,
        suppress_verification_code: true,
    });
    if lifecycle.status == LifecycleStatus::VerificationRequired
        && has_email
        && !lifecycle.suppress_verification_code
    {
        faults.push(Violation::invalid(
            "lifecycle.suppressVerificationCode",
            "must be true: verification codes are not sent",
        ));
    }
    match draft.user.build(None, context) {
        Ok(user) if faults.is_empty() => Ok(Imported {
            user: User {
                email_verified: draft.email_verified.unwrap_or(false) && has_email,
                lifecycle: Lifecycle {
                    status: lifecycle.status,
                },
                ..user
            },
            password,
        }),
        Ok(_) => Err(faults),
        Err(others) => {
            faults.splice(..0, others);
            Err(faults)
        }
    }
}
