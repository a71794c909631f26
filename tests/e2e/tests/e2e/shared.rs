//! A cloud for the tests that ask single questions. It ends with the process.

use serde_json::Value;
use tidegate_sandbox::{Account, CloudConfig, LocalCloud, PRODUCTION, STAGING};
use tidegate_world::ApiCall;
use tokio::sync::{Mutex, OnceCell};

use crate::model::Model;
use crate::test_cloud::{is_tidegates, zips};

static CLOUD: OnceCell<LocalCloud> = OnceCell::const_new();
/// Two commands that apply a policy at the same time conflict.
static APPLYING: Mutex<()> = Mutex::const_new(());

/// Functions of each kind, each in one account.
pub(crate) const FUNCTIONS: [(Account, &str); 5] = [
    (tidegate_sandbox::HUB, "train"),
    (tidegate_sandbox::HUB, "promote"),
    (STAGING, "deploy"),
    (PRODUCTION, "respond"),
    (PRODUCTION, "scale"),
];

/// The cloud.
pub(crate) async fn cloud() -> &'static LocalCloud {
    let start = || async {
        let started = LocalCloud::start(CloudConfig::default(), zips().await, &|_| ()).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    };
    CLOUD.get_or_init(start).await
}

/// Invokes a function and waits for its answer.
pub(crate) async fn invoke(account: Account, function: &str, payload: &Value) -> Value {
    let answer = cloud().await.aws().invoke(account.id, &account.function(function), payload).await;
    answer.unwrap_or_else(|error| panic!("{error}"))
}

/// What Tidegate's roles asked of the world about something.
pub(crate) async fn calls_about(name: &str) -> Vec<ApiCall> {
    let calls = cloud().await.world().calls();
    let about = |call: &ApiCall| is_tidegates(call) && call.request.to_string().contains(name);
    calls.into_iter().filter(about).collect()
}

/// Applies a model's policy in all accounts.
pub(crate) async fn apply(model: &Model) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tidegate.yaml");
    std::fs::write(&file, model.policy()).expect("the folder can be written");
    let cloud = cloud().await;
    let _alone = APPLYING.lock().await;
    cloud.apply(&file).await.unwrap_or_else(|error| panic!("{error}"));
}

/// A sample event of the repository.
pub(crate) fn sample(path: &str) -> Value {
    let path = tidegate_sandbox::workspace().join("events").join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("a sample is JSON")
}
