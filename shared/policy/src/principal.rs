//! Who a caller is, and who belongs to a group of a policy.
//!
//! AWS names the caller of a signed request by an ARN and a unique id. [`Principal`] is the part of it that the caller
//! cannot choose. The session name of an ordinary role is chosen by whoever assumes the role, so all sessions of one
//! role are one principal. Only IAM Identity Center sets the session name itself, to the name of the user.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The beginning of the names of the roles that IAM Identity Center makes for a permission set. A name ends with 16
/// hexadecimal digits. <https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html>
const IDENTITY_CENTER_ROLE: &str = "AWSReservedSSO_";
const IDENTITY_CENTER_DIGITS: usize = 16;
/// The longest name of a role, a user and a session.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const NAME_LENGTH: usize = 64;
/// The longest name of a permission set.
/// <https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html>
const PERMISSION_SET_LENGTH: usize = 32;

/// A caller, reduced to what AWS proves about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Principal {
    /// An IAM user: `arn:aws:iam::ACCOUNT:user/NAME`, without its path.
    User {
        /// The partition, such as `aws`.
        partition: String,
        /// The account id.
        account: String,
        /// The name without the path. Names are unique in an account, whatever the path.
        name: String,
    },
    /// Every session of a role: `arn:aws:iam::ACCOUNT:role/NAME`, without its path, which the ARN of a session lacks.
    Role {
        /// The partition, such as `aws`.
        partition: String,
        /// The account id.
        account: String,
        /// The name without the path. Names are unique in an account, whatever the path.
        name: String,
    },
    /// A user of IAM Identity Center with a permission set: `sso:ACCOUNT:PERMISSION-SET/USER`.
    IdentityCenter {
        /// The account id.
        account: String,
        /// The name of the permission set.
        permission_set: String,
        /// The name of the user.
        user: String,
    },
}

/// A caller that cannot act: AWS does not prove a person or a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` cannot act: {why}")]
pub struct UnusableCaller {
    /// The ARN or the text.
    pub found: String,
    /// Why, and what to use instead.
    pub why: &'static str,
}

const ROOT: &str = "it is the root user of an account; use a role, an IAM user or IAM Identity Center";
const FEDERATED: &str = "the name of a federated user is chosen by whoever asks for its session; use a role, an IAM user or IAM Identity Center";
const NOT_A_CALLER: &str = "it is not the ARN of an IAM user or of a session of a role";
const CONTRADICTION: &str = "its account, its ARN and its unique id contradict each other";
const NOT_A_PRINCIPAL: &str = "expected arn:aws:iam::ACCOUNT:role/NAME, arn:aws:iam::ACCOUNT:user/NAME or sso:ACCOUNT:PERMISSION-SET/USER";

impl Principal {
    /// The caller of a signed request, as Lambda passes it in `requestContext.authorizer.iam`.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>
    ///
    /// # Errors
    ///
    /// The root user, federated users, services, and values that contradict each other.
    pub fn of_caller(account: &str, arn: &str, unique_id: &str) -> Result<Self, UnusableCaller> {
        let principal = Self::of_arn(arn)?;
        let refused = || UnusableCaller { found: arn.to_owned(), why: CONTRADICTION };
        // A unique id begins with its kind: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
        let is_id = |id: &str, kind: &str| {
            id.starts_with(kind) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let fits = match &principal {
            Self::User { .. } => is_id(unique_id, "AIDA"),
            Self::Role { .. } | Self::IdentityCenter { .. } => {
                let session = arn.rsplit('/').next();
                unique_id.split_once(':').is_some_and(|(id, name)| is_id(id, "AROA") && Some(name) == session)
            }
        };
        if principal.account() == account && fits { Ok(principal) } else { Err(refused()) }
    }

    /// The caller that an ARN of IAM or STS names.
    ///
    /// # Errors
    ///
    /// As [`Self::of_caller`].
    pub fn of_arn(arn: &str) -> Result<Self, UnusableCaller> {
        let refused = |why| Err(UnusableCaller { found: arn.to_owned(), why });
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, service, "", account, resource] = parts.as_slice() else {
            return refused(NOT_A_CALLER);
        };
        if !is_partition(partition) || !is_account(account) {
            return refused(NOT_A_CALLER);
        }
        let (partition, account) = ((*partition).to_owned(), (*account).to_owned());
        let segments: Vec<&str> = resource.split('/').collect();
        match (*service, segments.as_slice()) {
            ("iam", ["root"]) => refused(ROOT),
            ("sts", ["federated-user", ..]) => refused(FEDERATED),
            ("iam", ["user", path @ .., name])
                if path.iter().all(|part| is_word(part, 512)) && is_name(name) =>
            {
                Ok(Self::User { partition, account, name: (*name).to_owned() })
            }
            ("sts", ["assumed-role", role, session]) if is_name(role) && is_name(session) => {
                Ok(match permission_set(role) {
                    Some(set) => Self::IdentityCenter {
                        account,
                        permission_set: set.to_owned(),
                        user: (*session).to_owned(),
                    },
                    None => Self::Role { partition, account, name: (*role).to_owned() },
                })
            }
            _ => refused(NOT_A_CALLER),
        }
    }

    /// The account of the identity.
    #[must_use]
    pub fn account(&self) -> &str {
        match self {
            Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::IdentityCenter { account, .. } => account,
        }
    }

    /// A text that is equal for all principals of one person. Names of users and roles are unique in an account whatever
    /// their case. A user of IAM Identity Center is one person with every permission set and in every account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    #[must_use]
    pub fn person(&self) -> String {
        match self {
            Self::IdentityCenter { user, .. } => format!("sso:{}", user.to_lowercase()),
            other => other.to_string().to_lowercase(),
        }
    }
}

/// The person behind the name in an event. Events of before principals have free names: two spellings of one are one
/// person.
#[must_use]
pub fn person(name: &str) -> String {
    name.trim()
        .parse::<Principal>()
        .map_or_else(|_| name.trim().to_lowercase(), |principal| principal.person())
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { partition, account, name } => {
                write!(f, "arn:{partition}:iam::{account}:user/{name}")
            }
            Self::Role { partition, account, name } => {
                write!(f, "arn:{partition}:iam::{account}:role/{name}")
            }
            Self::IdentityCenter { account, permission_set, user } => {
                write!(f, "sso:{account}:{permission_set}/{user}")
            }
        }
    }
}

impl FromStr for Principal {
    type Err = UnusableCaller;

    /// Reads the text form, as `to_string` writes it.
    fn from_str(text: &str) -> Result<Self, UnusableCaller> {
        match Members::parse(text) {
            Some(Members::One(principal)) if principal.to_string() == text => Ok(principal),
            _ => Err(UnusableCaller { found: text.to_owned(), why: NOT_A_PRINCIPAL }),
        }
    }
}

impl TryFrom<String> for Principal {
    type Error = UnusableCaller;

    fn try_from(text: String) -> Result<Self, UnusableCaller> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> String {
        principal.to_string()
    }
}

/// The principals that one entry of a group admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Members {
    /// One principal.
    One(Principal),
    /// Every user of IAM Identity Center with a permission set in an account.
    PermissionSet {
        /// The account id.
        account: String,
        /// The exact name of the permission set.
        name: String,
    },
}

impl Members {
    /// Reads an entry of a group. The path of a role or a user is ignored, because the ARN of a session lacks it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("sso:") {
            let (account, rest) = rest.split_once(':')?;
            let (set, user) = rest.split_once('/').map_or((rest, None), |(set, user)| (set, Some(user)));
            if !is_account(account) || !is_word(set, PERMISSION_SET_LENGTH) || !user.is_none_or(is_name) {
                return None;
            }
            let (account, set) = (account.to_owned(), set.to_owned());
            return Some(match user {
                Some(user) => Self::One(Principal::IdentityCenter {
                    account,
                    permission_set: set,
                    user: user.to_owned(),
                }),
                None => Self::PermissionSet { account, name: set },
            });
        }
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return None };
        let (kind, path) = resource.split_once('/')?;
        let (folders, name) =
            path.rsplit_once('/').map_or((None, path), |(folders, name)| (Some(folders), name));
        let has_path = folders.is_none_or(|folders| folders.split('/').all(|part| is_word(part, 512)));
        if !is_partition(partition) || !is_account(account) || !is_name(name) || !has_path {
            return None;
        }
        let (partition, account, name) = ((*partition).to_owned(), (*account).to_owned(), name.to_owned());
        match kind {
            "user" => Some(Self::One(Principal::User { partition, account, name })),
            "role" => Some(Self::One(Principal::Role { partition, account, name })),
            _ => None,
        }
    }

    /// Whether the entry admits a principal. Names of users and roles are compared without case, permission sets exactly.
    pub(crate) fn admit(&self, principal: &Principal) -> bool {
        match (self, principal) {
            (
                Self::PermissionSet { account, name },
                Principal::IdentityCenter { account: of, permission_set, .. },
            ) => (account, name) == (of, permission_set),
            (
                Self::One(Principal::IdentityCenter { account, permission_set, user }),
                Principal::IdentityCenter { account: of, permission_set: with, user: who },
            ) => (account, permission_set) == (of, with) && user.eq_ignore_ascii_case(who),
            (Self::One(one), other) => one.to_string().eq_ignore_ascii_case(&other.to_string()),
            (Self::PermissionSet { .. }, _) => false,
        }
    }
}

/// The permission set of a role of IAM Identity Center. Names of permission sets may contain `_`, so the whole name is
/// matched, not a prefix.
pub(crate) fn permission_set(role: &str) -> Option<&str> {
    let (set, digits) = role.strip_prefix(IDENTITY_CENTER_ROLE)?.rsplit_once('_')?;
    let is_hash = digits.len() == IDENTITY_CENTER_DIGITS
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    (is_hash && is_word(set, PERMISSION_SET_LENGTH)).then_some(set)
}

fn is_partition(text: &str) -> bool {
    text.strip_prefix("aws").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    is_word(text, NAME_LENGTH)
}

/// The characters of names in IAM: `[\w+=,.@-]`.
fn is_word(text: &str, longest: usize) -> bool {
    !text.is_empty()
        && text.len() <= longest
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

#[cfg(test)]
mod tests;
