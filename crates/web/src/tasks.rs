//! Work beside requests, and how all of it ends.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tracked spawner: what it runs is waited for at shutdown.
#[derive(Clone, Debug, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Run this beside everything else. It should end soon after the [`Shutdown`] that it was given has begun.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(task);
    }

    /// How many are running.
    pub fn running(&self) -> usize {
        self.0.len()
    }

    /// Wait for all to end, at most so long. Returns how many were left running.
    pub async fn finish(&self, deadline: Duration) -> usize {
        self.0.close();
        match tokio::time::timeout(deadline, self.0.wait()).await {
            Ok(()) => 0,
            Err(_) => self.0.len(),
        }
    }
}

/// The signal to end, given once and seen by everyone who holds a clone. From then on readiness is red.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begin.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Wait until it begins.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// The same signal for those who know the token only.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_waits_for_what_runs_up_to_a_deadline() {
        let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
        let (ends, stays) = (shutdown.clone(), shutdown.clone());
        tasks.spawn(async move { ends.begun().await });
        tasks.spawn(async move {
            stays.begun().await;
            std::future::pending::<()>().await;
        });
        assert_eq!(tasks.running(), 2);
        shutdown.begin();
        assert_eq!(tasks.finish(Duration::from_millis(50)).await, 1);
        assert!(shutdown.has_begun());
    }
}
