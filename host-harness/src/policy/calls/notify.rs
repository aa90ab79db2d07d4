//! Messages of an extension to the operator.

use agentapi_contract::wit::Function;
use serde_json::{Value, json};

use crate::policy::audit::AuditTarget;
use crate::policy::bindings::felhom::agentapi::notify::{self, NotifyError, Severity};
use crate::policy::calls::{Admitted, Calls};
use crate::policy::grants::{NOTIFY_CLEAR, NOTIFY_SEND};
use crate::policy::notification::{Notification, NotificationSeverity, check, check_key};
use crate::policy::observed::ObservedError;

impl notify::Host for Calls {
    async fn send(&mut self, notification: notify::Notification) -> wasmtime::Result<Result<(), NotifyError>> {
        let notification = from_wit(notification);
        let (arguments, target) = (json!(notification), AuditTarget::of_key(&notification.key));
        let begun = self.begin(NOTIFY_SEND, target, arguments, || check(&notification))?;
        let admitted = match begun {
            Ok(admitted) => admitted,
            Err(error) => return Ok(Err(error)),
        };
        let outcome = match &self.notifications {
            // In a dry run it is only looked at.
            _ if self.dry_run.is_some() => Ok(()),
            Some(notifications) => notifications.send(&self.identity.name, &notification).await,
            None => Err(NOBODY.into()),
        };
        Ok(admitted.took(outcome))
    }

    async fn clear(&mut self, key: String) -> wasmtime::Result<Result<bool, NotifyError>> {
        let (arguments, target) = (json!({ "key": key }), AuditTarget::of_key(&key));
        let admitted = match self.begin(NOTIFY_CLEAR, target, arguments, || check_key(&key))? {
            Ok(admitted) => admitted,
            Err(error) => return Ok(Err(error)),
        };
        let outcome = match &self.notifications {
            _ if self.dry_run.is_some() => Ok(false),
            Some(notifications) => notifications.clear(&self.identity.name, &key).await,
            None => Err(NOBODY.into()),
        };
        Ok(admitted.took(outcome))
    }
}

impl Calls {
    /// Begins a call, if it may be made and its argument is right.
    fn begin(
        &mut self,
        function: Function,
        target: AuditTarget,
        arguments: Value,
        check: impl FnOnce() -> Result<(), String>,
    ) -> wasmtime::Result<Result<Admitted, NotifyError>> {
        let admitted = match self.admit(function, target, arguments)? {
            Ok(admitted) => admitted,
            Err(rule) => return Ok(Err(NotifyError::Denied(rule))),
        };
        let Err(why) = check() else { return Ok(Ok(admitted)) };
        admitted.operation.refused("invalid-argument", &why);
        admitted.call.failed(|| ObservedError::new("invalid-argument", &why));
        Ok(Err(NotifyError::InvalidArgument(why)))
    }
}

impl Admitted {
    /// The message was taken, or not.
    fn took<T: serde::Serialize>(self, outcome: Result<T, String>) -> Result<T, NotifyError> {
        match outcome {
            Ok(answer) => {
                self.operation.worked();
                self.call.answered(&answer);
                Ok(answer)
            }
            Err(why) => {
                self.operation.refused("failed", &why);
                self.call.failed(|| ObservedError::new("failed", &why));
                Err(NotifyError::Failed(why))
            }
        }
    }
}

fn from_wit(notification: notify::Notification) -> Notification {
    let notify::Notification { key, severity, title, text } = notification;
    let severity = match severity {
        Severity::Info => NotificationSeverity::Info,
        Severity::Warning => NotificationSeverity::Warning,
        Severity::Critical => NotificationSeverity::Critical,
    };
    Notification { key, severity, title, text }
}

const NOBODY: &str = "the controller passes no messages on";
