//! What AWS takes as a name or a text.

/// Letters and digits, with hyphens between them: what SageMaker takes as the name of nearly everything, such as
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html>.
pub(super) fn is_name(text: &str, longest: usize) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= longest
        && plain(bytes.first())
        && plain(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// One line of at most `longest` characters.
pub(super) fn is_line(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>: at most 100 characters of ASCII, without line breaks and
/// control characters, beginning with a letter, digit or punctuation mark.
pub(super) fn is_subject(text: &str) -> bool {
    text.len() <= 100
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_graphic())
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// What Tidegate uses as a client token: a SHA-256 in lower-case hexadecimal. SageMaker takes 32 to 128 characters.
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html>
pub(super) fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[test]
fn names_texts_and_tokens() {
    for good in ["a", "churn-v7-abc", "A1--b"] {
        assert!(is_name(good, 63), "{good}");
    }
    for bad in ["", "-a", "a-", "a_b", "a b", "ä", &"a".repeat(64)] {
        assert!(!is_name(bad, 63), "{bad}");
    }
    assert!(is_line("a b", 3) && !is_line("a\nb", 3) && !is_line("abcd", 3));
    assert!(is_subject("Tidegate: churn") && !is_subject("") && !is_subject("a\u{7}") && !is_subject(" a"));
    assert!(!is_subject("ü") && !is_subject(&"a".repeat(101)));
    assert!(is_token(&"0f".repeat(32)) && !is_token(&"0F".repeat(32)) && !is_token("0f"));
}
