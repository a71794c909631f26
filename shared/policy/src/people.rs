//! Common parts of notifications to people.

/// The subject of a notification. SNS allows 100 characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub(crate) fn subject(text: &str) -> String {
    format!("Tidegate: {text}").chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_never_too_long() {
        assert_eq!(subject("churn stopped"), "Tidegate: churn stopped");
        assert_eq!(subject(&"ü".repeat(200)).chars().count(), 100);
    }
}
