use super::*;

const ACCOUNT: &str = "111122223333";

fn of(arn: &str) -> Result<String, &'static str> {
    Principal::of_arn(arn).map(|principal| principal.to_string()).map_err(|refused| refused.why)
}

fn sts(resource: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:{resource}")
}

#[test]
fn users_roles_and_identity_center_have_one_text_each() {
    assert_eq!(
        of("arn:aws:iam::111122223333:user/teams/ml/Alice").unwrap(),
        "arn:aws:iam::111122223333:user/Alice"
    );
    assert_eq!(of(&sts("assumed-role/ml-ops/anything")).unwrap(), "arn:aws:iam::111122223333:role/ml-ops");
    let reserved = sts("assumed-role/AWSReservedSSO_Approver_0123456789abcdef/alice@example.com");
    assert_eq!(of(&reserved).unwrap(), "sso:111122223333:Approver/alice@example.com");
    for text in [
        "arn:aws:iam::111122223333:user/Alice",
        "arn:aws:iam::111122223333:role/ml-ops",
        "sso:111122223333:A_B/a@b.c",
    ] {
        assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
    }
}

#[test]
fn who_cannot_act_is_told_why() {
    for (arn, why) in [
        ("arn:aws:iam::111122223333:root", ROOT),
        ("arn:aws:sts::111122223333:federated-user/alice", FEDERATED),
        ("arn:aws:sts::111122223333:assumed-role/ops", NOT_A_CALLER),
        ("arn:aws:sts::111122223333:assumed-role/ops/a/b", NOT_A_CALLER),
        ("arn:aws:sts::111122223333:assumed-role/ops/a b", NOT_A_CALLER),
        ("arn:aws:iam::111122223333:role/ops", NOT_A_CALLER),
        ("arn:aws:iam::1111:user/alice", NOT_A_CALLER),
        ("arn:aws:iam:us-east-1:111122223333:user/alice", NOT_A_CALLER),
        ("arn:evil:iam::111122223333:user/alice", NOT_A_CALLER),
        ("alice", NOT_A_CALLER),
        ("", NOT_A_CALLER),
    ] {
        assert_eq!(of(arn), Err(why), "{arn}");
    }
}

#[test]
fn account_arn_and_unique_id_must_agree() {
    let user = "arn:aws:iam::111122223333:user/alice";
    let role = sts("assumed-role/ops/alice");
    assert!(Principal::of_caller(ACCOUNT, user, "AIDACOSFODNN7EXAMPLE2").is_ok());
    assert!(Principal::of_caller(ACCOUNT, &role, "AROACOSFODNN7EXAMPLE2:alice").is_ok());
    for (account, arn, id) in [
        ("444455556666", user, "AIDACOSFODNN7EXAMPLE2"),
        (ACCOUNT, user, "AROACOSFODNN7EXAMPLE2:alice"),
        (ACCOUNT, user, ACCOUNT),
        (ACCOUNT, user, ""),
        (ACCOUNT, role.as_str(), "AIDACOSFODNN7EXAMPLE2"),
        (ACCOUNT, role.as_str(), "AROACOSFODNN7EXAMPLE2:bob"),
        (ACCOUNT, role.as_str(), "AROACOSFODNN7EXAMPLE2"),
    ] {
        let refused = Principal::of_caller(account, arn, id).unwrap_err();
        assert_eq!(refused.why, CONTRADICTION, "{arn} {id}");
    }
}

#[test]
fn two_sessions_of_an_ordinary_role_are_one_person() {
    let person = |resource: &str| Principal::of_arn(&sts(resource)).unwrap().person();
    assert_eq!(person("assumed-role/ops/alice"), person("assumed-role/OPS/bob"));
    let set = "assumed-role/AWSReservedSSO_Approver_0123456789abcdef";
    assert_ne!(person(&format!("{set}/alice")), person(&format!("{set}/bob")));
    // One user with two permission sets, or in another account, is one person.
    let other = "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Admin_fedcba9876543210/Alice";
    assert_eq!(person(&format!("{set}/alice")), Principal::of_arn(other).unwrap().person());
    assert_eq!(super::person(" Alice@example.com "), super::person("alice@example.com"));
}

#[test]
fn a_permission_set_is_matched_by_its_exact_name() {
    let group = Members::parse("sso:111122223333:Admin").unwrap();
    let admits =
        |role: &str| group.admit(&Principal::of_arn(&sts(&format!("assumed-role/{role}/alice"))).unwrap());
    assert!(admits("AWSReservedSSO_Admin_0123456789abcdef"));
    for look_alike in [
        "AWSReservedSSO_Admin_Prod_0123456789abcdef",
        "AWSReservedSSO_admin_0123456789abcdef",
        "AWSReservedSSO_Admin_0123456789ABCDEF",
        "AWSReservedSSO_Admin_0123456789abcde",
        "AWSReservedSSO_Admin",
        "AWSReservedSSO__0123456789abcdef",
        "Admin",
    ] {
        assert!(!admits(look_alike), "{look_alike}");
    }
    let elsewhere = "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice";
    assert!(!group.admit(&Principal::of_arn(elsewhere).unwrap()));
}

#[test]
fn an_entry_of_a_group_admits_a_role_whatever_its_path() {
    let ops = Principal::of_arn(&sts("assumed-role/ops/alice")).unwrap();
    for entry in ["arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:role/teams/ml/Ops"] {
        assert!(Members::parse(entry).unwrap().admit(&ops), "{entry}");
    }
    for entry in [
        "arn:aws:iam::444455556666:role/ops",
        "arn:aws:iam::111122223333:user/ops",
        "arn:aws:iam::111122223333:role/ops2",
        "arn:aws-cn:iam::111122223333:role/ops",
        "sso:111122223333:ops",
        "sso:111122223333:ops/alice",
    ] {
        assert!(!Members::parse(entry).unwrap().admit(&ops), "{entry}");
    }
    let text = |entry: &str| Members::parse(entry).is_none();
    assert!(
        [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/*",
            "sso:1:Admin",
            "sso:111122223333:",
            "sso:111122223333:Admin/",
            "ops"
        ]
        .into_iter()
        .all(text)
    );
}
