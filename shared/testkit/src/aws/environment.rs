//! Sample requests, reports, alarms, metrics and capacity.

use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate_engine::CallError;
use tidegate_engine::ports::{Alarms, Capacity, InvocationQuery, Metrics, Reports, Sampler, Window};
use tidegate_events::AlarmChanged;
use tidegate_policy::deploy::{Probe, QueuedSample, ScalableTarget};
use tidegate_policy::file::Sample;
use tidegate_policy::respond::MonitorReport;
use tidegate_policy::scale::{ScalableResource, TargetTracking};

use super::FakeAws;

type Call<T> = Result<T, CallError>;

#[async_trait]
impl Sampler for FakeAws {
    async fn ask(&self, _: &str, _: Option<&str>, _: &Sample) -> Call<Probe> {
        self.pass("sagemaker-runtime", "InvokeEndpoint").await?;
        let unknown = || Probe::Failed("nothing here says what it answers".to_owned());
        Ok(self.canned.probe.clone().unwrap_or_else(unknown))
    }

    async fn enqueue(&self, endpoint: &str, sample: &Sample) -> Call<Probe> {
        self.ask(endpoint, None, sample).await
    }

    async fn find_answer(&self, _: &QueuedSample) -> Call<Probe> {
        self.pass("s3", "ListObjectsV2").await?;
        let unknown = || Probe::Failed("nothing here says what it answers".to_owned());
        Ok(self.canned.probe.clone().unwrap_or_else(unknown))
    }
}

#[async_trait]
impl Reports for FakeAws {
    async fn read(&self, bucket: &str, key: &str) -> Call<MonitorReport> {
        self.pass("s3", "GetObject").await?;
        if let Some(report) = &self.canned.report {
            return Ok(report.clone());
        }
        let Some(folder) = &self.reports else {
            return Ok(MonitorReport::Unreadable(format!("{key} does not exist")));
        };
        let path = inside(folder, bucket, key);
        Ok(match path.as_deref().map(std::fs::read_to_string) {
            Some(Ok(text)) => MonitorReport::from_json(&text),
            Some(Err(error)) => MonitorReport::Unreadable(error.to_string()),
            None => MonitorReport::Unreadable(format!("{key} is no path of a file")),
        })
    }
}

/// `<folder>/<bucket>/<key>`, if the path stays inside the folder: keys come from events.
fn inside(folder: &Path, bucket: &str, key: &str) -> Option<PathBuf> {
    let object = Path::new(bucket).join(key);
    let plain = object.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| folder.join(object))
}

#[async_trait]
impl Alarms for FakeAws {
    async fn in_alarm(&self, names: &[String]) -> Call<Vec<AlarmChanged>> {
        self.pass_pages("cloudwatch", "DescribeAlarms", names.len(), 100).await?;
        let state = self.state();
        let reported = names.iter().filter_map(|name| state.alarms.get(name));
        let shown = self.canned.alarms.iter().filter(|alarm| names.contains(&alarm.alarm));
        Ok(reported.chain(shown).cloned().collect())
    }

    async fn all_in_alarm(&self) -> Call<Vec<String>> {
        let shown = self.canned.alarms.iter().map(|alarm| alarm.alarm.clone());
        let names: Vec<String> = self.state().alarms_in_alarm().into_iter().chain(shown).collect();
        self.pass_pages("cloudwatch", "DescribeAlarms", names.len().max(1), 100).await?;
        Ok(names)
    }
}

#[async_trait]
impl Metrics for FakeAws {
    async fn invocations(&self, queries: &[InvocationQuery], now: Timestamp) -> Call<Vec<Option<u64>>> {
        self.pass_pages("cloudwatch", "GetMetricData", queries.len(), 500).await?;
        let mut state = self.state();
        state.queried_metrics = state.queried_metrics.saturating_add(queries.len() as u64);
        let state = state;
        let [in_window, since_deployment] = self.canned.invocations;
        let answer = |query: &InvocationQuery| {
            let counted = state.traffic.get(query.resource.name());
            counted.map(|traffic| traffic.sum(query.from, now)).or(match query.window {
                Window::Idle => in_window,
                Window::SinceDeployment => since_deployment,
            })
        };
        Ok(queries.iter().map(answer).collect())
    }
}

#[async_trait]
impl Capacity for FakeAws {
    async fn limits(&self, of: &[ScalableResource]) -> Call<Vec<Option<ScalableTarget>>> {
        self.pass_pages("application-autoscaling", "DescribeScalableTargets", of.len(), 50).await?;
        let state = self.state();
        let limits = |resource: &ScalableResource| {
            let canned = match resource {
                ScalableResource::Component { .. } => self.canned.component_limits.as_ref(),
                ScalableResource::Variant { .. } => self.canned.running_config.scalable_targets.first(),
            };
            state.limits.get(resource.name()).or(canned).cloned()
        };
        Ok(of.iter().map(limits).collect())
    }

    async fn set_target_tracking(&self, target: &TargetTracking) -> Call<String> {
        self.accept("application-autoscaling", "RegisterScalableTarget").await?;
        self.accept("application-autoscaling", "PutScalingPolicy").await?;
        let name = target.resource.name();
        self.state().limits.insert(name, ScalableTarget { min: target.min, max: target.max });
        Ok(format!("the capacity of {name} follows its traffic"))
    }

    async fn remove_target_tracking(&self, resource: &ScalableResource) -> Call<String> {
        self.accept("application-autoscaling", "DeleteScalingPolicy").await?;
        self.state().limits.remove(resource.name());
        Ok(format!("the capacity of {} is no longer scaled", resource.name()))
    }

    async fn set_capacity_limits(&self, name: &str, min: u32, max: u32) -> Call<String> {
        self.accept("application-autoscaling", "RegisterScalableTarget").await?;
        let mut state = self.state();
        state.limits.insert(name, ScalableTarget { min, max });
        if let Some(component) = state.components.get_mut(name) {
            let copies = component.running.copies.unwrap_or(min);
            component.running.copies = Some(copies.max(min).min(max));
        }
        Ok(format!("component {name} may have {min} to {max} copies"))
    }

    async fn ensure_scale_from_zero_alarm(&self, component: &str) -> Call<String> {
        self.accept("application-autoscaling", "PutScalingPolicy").await?;
        Ok(format!("a request scales component {component} from zero"))
    }

    async fn ensure_backlog_alarm(&self, endpoint: &str, _max: u32) -> Call<String> {
        self.accept("application-autoscaling", "PutScalingPolicy").await?;
        Ok(format!("a request in the queue scales endpoint {endpoint} from zero"))
    }

    async fn ensure_instances(&self, endpoint: &str, instances: u32) -> Call<String> {
        self.accept("sagemaker", "UpdateEndpointWeightsAndCapacities").await?;
        Ok(format!("endpoint {endpoint} gets {instances} instances if it has none"))
    }

    async fn set_copy_count(&self, name: &str, copies: u32) -> Call<String> {
        self.accept("sagemaker", "UpdateInferenceComponentRuntimeConfig").await?;
        if let Some(component) = self.state().components.get_mut(name) {
            component.running.copies = Some(copies);
        }
        Ok(format!("set component {name} to {copies} copies"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_never_read_from_outside_of_its_folder() {
        let folder = Path::new("reports");
        assert_eq!(inside(folder, "b", "x/y.json"), Some(PathBuf::from("reports/b/x/y.json")));
        for (bucket, key) in
            [("b", "../../etc/passwd"), ("..", "x"), ("b", "/etc/passwd"), ("b", "a/../../x")]
        {
            assert_eq!(inside(folder, bucket, key), None, "{bucket} {key}");
        }
    }
}
