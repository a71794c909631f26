//! The key of a monitoring report in S3: it says which schedule wrote the report, and about which hour.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The name of every report. Checks inside a pipeline and other jobs give their results the same name.
const FILE: &str = "constraint_violations.json";

/// The key of a report that a monitoring schedule wrote.
///
/// A schedule on an endpoint writes `PREFIX/ENDPOINT/SCHEDULE/YYYY/MM/DD/HH/constraint_violations.json`
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html>). A schedule on batch
/// transform jobs has no endpoint. AWS's pages do not show its key, so only the schedule is read from it, and only a
/// policy that names the schedule is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReportKey<'k> {
    /// Everything before the date. It identifies the schedule.
    pub(crate) place: &'k str,
    /// The name of the schedule.
    pub(crate) schedule: &'k str,
    /// The part before the schedule: the endpoint, if the schedule is on one.
    pub(crate) endpoint: Option<&'k str>,
    /// The hour of the execution.
    pub(crate) hour: Timestamp,
}

impl<'k> ReportKey<'k> {
    /// Reads a key; `None` if no monitoring schedule writes such a key.
    pub(crate) fn parse(key: &'k str) -> Option<Self> {
        let (folder, file) = key.rsplit_once('/')?;
        let mut parts = folder.rsplitn(5, '/');
        let [hour, day, month, year] =
            [(); 4].map(|()| parts.next()).map(|part| part.filter(|part| is_number(part)));
        let hour = hour_of(year.filter(|year| year.len() == 4)?, month?, day?, hour?)?;
        let place = parts.next()?;
        let mut names = place.rsplit('/');
        let schedule = names.next().filter(|name| is_name(name))?;
        let endpoint = names.next().filter(|name| is_name(name));
        (file == FILE).then_some(Self { place, schedule, endpoint, hour })
    }
}

/// Whether the object has the name of a report.
pub(crate) fn is_report(key: &str) -> bool {
    key.rsplit('/').next() == Some(FILE)
}

/// Whether a schedule or an endpoint can have this name.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMonitoringSchedule.html>
fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_number(part: &str) -> bool {
    matches!(part.len(), 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// The hour, if the date exists.
fn hour_of(year: &str, month: &str, day: &str, hour: &str) -> Option<Timestamp> {
    let two = |part: &str| part.parse::<i8>().ok().filter(|_| part.len() == 2);
    let time = DateTime::new(year.parse().ok()?, two(month)?, two(day)?, two(hour)?, 0, 0, 0).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_schedule_names_endpoint_schedule_and_hour() {
        let key = "reports/churn-staging/churn-staging-dq/2026/03/03/07/constraint_violations.json";
        let read = ReportKey::parse(key).unwrap();
        assert_eq!(read.place, "reports/churn-staging/churn-staging-dq");
        assert_eq!((read.endpoint, read.schedule), (Some("churn-staging"), "churn-staging-dq"));
        assert_eq!(read.hour.to_string(), "2026-03-03T07:00:00Z");
        let batch = ReportKey::parse("churn-batch/2024/02/29/23/constraint_violations.json").unwrap();
        assert_eq!((batch.endpoint, batch.schedule), (None, "churn-batch"));
        let batch =
            ReportKey::parse("my_reports/churn-batch/2024/02/29/23/constraint_violations.json").unwrap();
        assert_eq!((batch.endpoint, batch.schedule), (None, "churn-batch"));
    }

    #[test]
    fn a_key_without_the_date_of_an_execution_is_of_another_job() {
        for folder in [
            "churn-staging/churn-train/z8m4c6t2w5de/DataQualityCheck/output/violations",
            "churn-staging/churn-staging-dq",
            "churn-staging/churn-staging-dq/2026/03/03",
            "churn-staging/churn-staging-dq/2026/02/30/07",
            "churn-staging/churn-staging-dq/2026/13/01/07",
            "churn-staging/churn-staging-dq/2026/03/03/24",
            "churn-staging/churn-staging-dq/26/03/03/07",
            "churn-staging/churn-staging-dq/2026/3/3/7",
            "churn-staging/churn-staging-dq/2026/0003/03/07",
            "churn-staging/churn-staging-dq/2026/+3/03/07",
            "churn-staging/churn-staging-dq/07/03/03/2026",
            "churn-staging/data_quality/2026/03/03/07",
            "churn-staging/-dq/2026/03/03/07",
            "2026/03/03/07",
            "/2026/03/03/07",
            "",
        ] {
            assert_eq!(ReportKey::parse(&format!("{folder}/{FILE}")), None, "{folder}");
        }
        assert_eq!(ReportKey::parse("a/b/2026/03/03/07/statistics.json"), None);
        assert_eq!(ReportKey::parse("a/b/2026/03/03/07/my_constraint_violations.json"), None);
        assert_eq!(ReportKey::parse(FILE), None);
    }
}
