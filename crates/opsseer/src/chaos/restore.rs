//! The promise that no run leaves a service in trouble.

use super::{
    scenario::Trouble,
    target::{Target, TargetError},
};

/// Switches the chaos off, at the latest when it is dropped.
pub(super) struct Restorer {
    target: Target,
    armed: bool,
}

impl Restorer {
    pub(super) fn new(target: Target) -> Self {
        Self { target, armed: false }
    }

    /// From here on there may be something to switch off.
    pub(super) fn arm(&mut self) {
        self.armed = true;
    }

    /// Nothing was reached, so nothing has to be undone.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }

    /// Switches off what may be on. Says whether there was anything.
    pub(super) async fn restore(&mut self) -> Result<bool, TargetError> {
        if !self.armed {
            return Ok(false);
        }
        let restored = self.target.set(&Trouble::NONE).await;
        // Disarmed after the answer only: if this future is dropped meanwhile, `drop` still has its duty.
        self.armed = false;
        restored.map(|()| true)
    }
}

impl Drop for Restorer {
    /// The run was dropped halfway, or it panicked: all that is left is to try in the background.
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            tracing::error!("the chaos could not be switched off: the program is ending");
            return;
        };
        let target = self.target.clone();
        runtime.spawn(async move {
            if let Err(error) = target.set(&Trouble::NONE).await {
                tracing::error!(%error, "the chaos could not be switched off");
            }
        });
    }
}
