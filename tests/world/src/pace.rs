//! How long operations take.

use std::time::Duration;

/// How long things take. Nothing here is random: the same pace gives the same life.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// A processing job, from creation to its end.
    pub processing: Duration,
    /// A training job, from creation to its end.
    pub training: Duration,
    /// A step without a job: condition, registration, model creation, fail, lambda.
    pub short_step: Duration,
    /// `CreateEndpoint` until `InService`.
    pub endpoint_create: Duration,
    /// One stage of an endpoint update (launching instances, shifting traffic, terminating).
    pub endpoint_stage: Duration,
    /// `DeleteEndpoint` until it is gone.
    pub endpoint_delete: Duration,
    /// `CreateInferenceComponent` until `InService`.
    pub component_create: Duration,
    /// `UpdateInferenceComponent` until `InService`.
    pub component_update: Duration,
    /// `DeleteInferenceComponent` until it is gone.
    pub component_delete: Duration,
    /// A change of instance or copy count.
    pub scale: Duration,
    /// Real seconds of baking (`TerminationWaitInSeconds`, `WaitIntervalInSeconds`) times this factor are waited.
    pub bake_factor: f64,
}

impl Pace {
    /// About as fast as people can watch: seconds instead of minutes, 600 s of baking in 1.2 s.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            processing: Duration::from_millis(1_000),
            training: Duration::from_millis(2_000),
            short_step: Duration::from_millis(150),
            endpoint_create: Duration::from_millis(1_000),
            endpoint_stage: Duration::from_millis(300),
            endpoint_delete: Duration::from_millis(300),
            component_create: Duration::from_millis(800),
            component_update: Duration::from_millis(800),
            component_delete: Duration::from_millis(300),
            scale: Duration::from_millis(500),
            bake_factor: 0.002,
        }
    }

    /// About what SageMaker takes: minutes. For virtual time.
    #[must_use]
    pub fn real() -> Self {
        Self {
            processing: Duration::from_secs(300),
            training: Duration::from_secs(600),
            short_step: Duration::from_secs(3),
            endpoint_create: Duration::from_secs(240),
            endpoint_stage: Duration::from_secs(90),
            endpoint_delete: Duration::from_secs(30),
            component_create: Duration::from_secs(180),
            component_update: Duration::from_secs(240),
            component_delete: Duration::from_secs(60),
            // From zero, the first request is answered after nine to ten minutes:
            // https://github.com/huggingface/skills/pull/192
            scale: Duration::from_secs(560),
            bake_factor: 1.0,
        }
    }

    /// How long `seconds` of baking are waited.
    pub(crate) fn bake(&self, seconds: i64) -> Duration {
        Duration::try_from_secs_f64(seconds.max(0) as f64 * self.bake_factor).unwrap_or_default()
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::demo()
    }
}
