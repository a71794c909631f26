//! The forms of the texts in events: which texts a field accepts.

use crate::contract::Kind;
use crate::text::is_hidden;

/// The longest name, id or other short text, in characters.
pub const TEXT_LIMIT: usize = 256;
/// The longest reason, comment or message, in characters.
pub const LONG_TEXT_LIMIT: usize = 2_000;
/// The longest list of texts.
pub const LIST_LIMIT: usize = 1_000;
/// The longest entry of a list, in characters: a path in a repository.
pub const PATH_LIMIT: usize = 1_024;
/// The largest version of a model package: SageMaker's type is a 32-bit integer
/// (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageSummary.html>).
pub const VERSION_LIMIT: u64 = i32::MAX as u64;
/// The longest name or ARN in an event of AWS or GitHub, in characters. The longest that they have is the ARN of a model package
/// (<https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html>); the key of an object in S3 has
/// at most 1,024 bytes, and a reference in GitHub at most 255.
pub(crate) const NAME_LIMIT: usize = 2_048;

/// Returns what was expected, if the text is not of this kind.
pub(crate) fn mismatch(kind: Kind, text: &str) -> Option<String> {
    let (good, expected) = match kind {
        Kind::Text => (
            is_plain(text, TEXT_LIMIT),
            "a text of 1 to 256 characters on one line, without hidden characters",
        ),
        Kind::LongText => (
            is_plain(text, LONG_TEXT_LIMIT),
            "a text of 1 to 2000 characters on one line, without hidden characters",
        ),
        Kind::Reason => (is_reason(text), "a reason in snake_case"),
        Kind::Name => (is_name(text), "a name: letters, digits and hyphens inside, at most 32 characters"),
        Kind::Account => (is_account(text), "an account id of twelve digits"),
        Kind::Region => (is_region(text), "an AWS region, such as us-east-1"),
        Kind::Arn => (is_arn(text), "an ARN"),
        Kind::Commit => (is_commit(text), "the id of a commit: 40 or 64 hexadecimal digits in lower case"),
        Kind::Repository => {
            (is_repository(text), "a repository: codecommit:NAME, github:OWNER/NAME or gitlab:GROUP/NAME")
        }
        Kind::Ref => (is_ref(text), "a name of a branch or a tag that git allows, of at most 512 characters"),
        Kind::OneOf(words) => {
            return (!words.contains(&text)).then(|| format!("one of {}", words.join(", ")));
        }
        Kind::Version | Kind::Number | Kind::Time | Kind::End | Kind::Texts => (true, ""),
    };
    (!good).then(|| expected.to_owned())
}

/// A text on one line, of a limited number of characters, without hidden ones.
pub(crate) fn is_plain(text: &str, limit: usize) -> bool {
    !text.is_empty() && text.chars().nth(limit).is_none() && !text.chars().any(is_hidden)
}

fn is_reason(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.len() <= TEXT_LIMIT && text.bytes().all(plain) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The name of a model or of an environment.
fn is_name(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    text.len() <= 32
        && text.bytes().all(inside)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

pub(crate) fn is_region(text: &str) -> bool {
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 32
        && text.split('-').count() >= 3
        && text.split('-').all(part)
        && text.ends_with(|c: char| c.is_ascii_digit())
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, where region and account may be empty
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
pub(crate) fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    text.len() <= NAME_LIMIT
        && *arn == "arn"
        && !partition.is_empty()
        && !service.is_empty()
        && [partition, service, region].into_iter().all(|part| plain(part))
        && (account.is_empty() || is_account(account))
        && !resource.is_empty()
        && resource.bytes().all(|b| b.is_ascii_graphic())
}

/// The id of a commit in a repository with SHA-1 or SHA-256.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

fn is_repository(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    let Some((host, path)) = text.split_once(':') else { return false };
    let words = path.split('/').count();
    let fits = match host {
        "codecommit" => words == 1,
        "github" => words == 2,
        "gitlab" => words >= 2,
        _ => false,
    };
    text.len() <= TEXT_LIMIT && fits && path.split('/').all(word)
}

/// The name of a reference: no spaces, no hidden characters, none of those that git refuses
/// (<https://git-scm.com/docs/git-check-ref-format>).
fn is_ref(text: &str) -> bool {
    is_plain(text, 512)
        && !text.contains(|c: char| c.is_whitespace() || "~^:?*[\\".contains(c))
        && !text.contains("..")
        && !text.contains("@{")
        && !text.contains("//")
        && !text.starts_with('/')
        && !text.ends_with(['/', '.'])
}
