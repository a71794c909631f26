//! What is wrong with the credentials or the region of a profile, in words, with the command that mends it.

/// The problem and the command that mends it, if an error says that there are no credentials or no region. The texts are
/// those of the AWS SDK for Rust; a text that it changes is shown as it is.
pub(crate) fn problem(profile: Option<&str>, error: &str) -> Option<(String, String)> {
    let has = |text: &str| error.contains(text);
    let of = profile.map_or_else(|| "the environment".to_owned(), |profile| format!("profile {profile}"));
    let option = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
    let (what, how) = if has("missing signing region") || has("Missing Region") {
        let how = format!("set AWS_REGION, or `aws configure set region REGION{option}`");
        (format!("{of} has no region"), how)
    } else if has("was not defined") {
        let how = "`aws configure list-profiles` lists the profiles".to_owned();
        (format!("there is no {of} in {}", config_file()), how)
    } else if has("SSO token") || has("access token") {
        (
            format!("the SSO session of {of} has ended, or none was started"),
            format!("`aws sso login{option}`"),
        )
    } else if has("/login/cache/") || has("login session") {
        (format!("the session of {of} has ended, or none was started"), format!("`aws login{option}`"))
    } else if has("external process") {
        let (_, rest) = error.split_once("external process").unwrap_or_default();
        let how = format!("run the `credential_process` of {} in {} by hand", of, config_file());
        (format!("the program that gives the credentials of {of} failed:{rest}"), how)
    } else if has("no credentials found in chain") {
        let how = "`aws login`, `aws sso login`, AWS_PROFILE, or --ledger PROFILE=STACK".to_owned();
        ("there are no AWS credentials in the environment".to_owned(), how)
    } else if has("credential provider was not enabled") || has("credentials provider was not") {
        let how = format!("`aws configure sso{option}`, or `aws configure{option}`");
        (format!("{of} has no credentials in {}", config_file()), how)
    } else if has("ExpiredToken") || has("security token included in the request is expired") {
        (
            format!("the credentials of {of} have expired"),
            format!("`aws sso login{option}`, or `aws login{option}`"),
        )
    } else {
        return None;
    };
    Some((what, how))
}

/// The configuration file that the SDK reads.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html>
fn config_file() -> String {
    std::env::var("AWS_CONFIG_FILE").unwrap_or_else(|_| "~/.aws/config".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_error_is_shown_as_it_is() {
        for error in ["dynamodb:Query failed (Denied): AccessDenied: no", "dispatch failure: io error"] {
            assert_eq!(problem(Some("hub"), error), None);
        }
    }
}
