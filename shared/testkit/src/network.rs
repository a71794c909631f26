//! The way of a call to AWS.

use std::fmt;

use async_trait::async_trait;
use tidegate_engine::CallError;

/// What happens to each call before AWS answers it: it may take time, be counted, or be throttled.
#[async_trait]
pub trait Network: fmt::Debug + Send + Sync {
    /// Passes one request to AWS.
    ///
    /// # Errors
    /// The error with which AWS rejects the request.
    async fn pass(&self, service: &'static str, operation: &'static str) -> Result<(), CallError>;
}
