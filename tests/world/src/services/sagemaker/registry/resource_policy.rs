//! Resource policies: access from other accounts. Deny wins, and access that is not allowed is denied.

use serde_json::Value;

use crate::json::text;

/// # Errors
/// Why this is no policy document.
pub(crate) fn check(policy: &str) -> Result<(), String> {
    let document: Value =
        serde_json::from_str(policy).map_err(|e| format!("The resource policy is not valid JSON: {e}"))?;
    let statements = statements(&document);
    if statements.is_empty() {
        return Err("The resource policy has no statement.".to_owned());
    }
    for statement in statements {
        for key in ["Effect", "Principal", "Action", "Resource"] {
            if statement.get(key).is_none() {
                return Err(format!("A statement of the resource policy has no {key}."));
            }
        }
    }
    Ok(())
}

/// Whether a policy lets a principal of another account do `action` on `arn`.
pub(crate) fn admits(policy: &str, account: &str, principal: &str, action: &str, arn: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else { return false };
    let mut allowed = false;
    for statement in statements(&document) {
        let applies = names_principal(statement, account, principal)
            && strings(statement.get("Action")).iter().any(|pattern| glob(pattern, action, true))
            && strings(statement.get("Resource")).iter().any(|pattern| glob(pattern, arn, false));
        match (applies, text(statement, "Effect")) {
            (true, Some("Deny")) => return false,
            (true, Some("Allow")) => allowed = true,
            _ => {}
        }
    }
    allowed
}

fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => Vec::new(),
    }
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn names_principal(statement: &Value, account: &str, principal: &str) -> bool {
    let named = statement.get("Principal");
    let names = match named {
        Some(Value::Object(kinds)) => strings(kinds.get("AWS")),
        other => strings(other),
    };
    let root = format!("arn:aws:iam::{account}:root");
    names.iter().any(|name| {
        *name == "*" || *name == account || *name == root || *name == principal || is_session(name, principal)
    })
}

/// A policy names a role by its IAM ARN; the caller is a session of it.
fn is_session(role: &str, principal: &str) -> bool {
    let (Some((head, name)), Some((there, session))) =
        (role.split_once(":role/"), principal.split_once(":assumed-role/"))
    else {
        return false;
    };
    let same_account = head.rsplit(':').next() == there.rsplit(':').next();
    same_account && name.rsplit('/').next() == session.split('/').next()
}

/// IAM's `*` and `?`.
fn glob(pattern: &str, text: &str, fold_case: bool) -> bool {
    let fold = |s: &str| if fold_case { s.to_lowercase() } else { s.to_owned() };
    let (pattern, text): (Vec<char>, Vec<char>) =
        (fold(pattern).chars().collect(), fold(text).chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(principal: &str, action: &str) -> String {
        serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": principal}, "Action": [action],
            "Resource": ["arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/*"],
        }]})
        .to_string()
    }

    const ARN: &str = "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn/7";
    const SESSION: &str = "arn:aws:sts::444455556666:assumed-role/deploy/i-1";

    #[test]
    fn an_account_is_admitted_by_root_and_by_role() {
        let action = "sagemaker:DescribeModelPackage";
        for principal in
            ["arn:aws:iam::444455556666:root", "444455556666", "arn:aws:iam::444455556666:role/x/deploy"]
        {
            assert!(admits(&policy(principal, action), "444455556666", SESSION, action, ARN), "{principal}");
        }
    }

    #[test]
    fn other_principals_and_actions_are_denied() {
        let action = "sagemaker:DescribeModelPackage";
        let root = "arn:aws:iam::444455556666:root";
        assert!(!admits(
            &policy(root, action),
            "777788889999",
            "arn:aws:iam::777788889999:root",
            action,
            ARN
        ));
        assert!(!admits(&policy(root, action), "444455556666", SESSION, "sagemaker:UpdateModelPackage", ARN));
        assert!(!admits(
            &policy(root, action),
            "444455556666",
            SESSION,
            action,
            &ARN.replace("churn", "fraud")
        ));
    }
}
