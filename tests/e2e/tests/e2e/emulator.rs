//! The local cloud itself: is it what we think it is?

use std::process::Command;

use tidegate_sandbox::{api_models, python_environment, workspace};
use tidegate_world::{ApiModels, UNTRANSLATED, WorldConfig, WorldServer};

use crate::shared_run::block_on;

fn python(arguments: &[&str]) -> String {
    let python = python_environment(&|_| ()).unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new(python).args(arguments).current_dir(workspace()).output().expect("Python runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_launcher_accepts_only_the_emulator_version_that_it_patches() {
    let script = "
import sys
sys.path.insert(0, 'tests/sandbox/cloud')
sys.dont_write_bytecode = True
import launcher
assert launcher.version_problem(launcher.installed_version()) is None, launcher.installed_version()
for other in ('1.5.34', '2.0.0', None):
    problem = launcher.version_problem(other)
    assert launcher.MINISTACK_VERSION in problem and 'requirements.txt' in problem, problem
pinned = 'ministack[full]==' + launcher.MINISTACK_VERSION
assert pinned in open('tests/sandbox/cloud/requirements.txt').read().split(), pinned
print('checked')
";
    assert_eq!(python(&["-c", script]).trim(), "checked");
}

#[test]
fn boto3_finds_every_operation_of_the_world_as_documented() {
    block_on(async {
        let environment = python_environment(&|_| ()).unwrap_or_else(|error| panic!("{error}"));
        let models = api_models(&environment).unwrap_or_else(|error| panic!("{error}"));
        let config = WorldConfig { botocore_data: Some(models), ..WorldConfig::default() };
        let world = WorldServer::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        let url = world.url();
        let check = move || python(&["-B", "tests/world/boto3_check.py", &url]);
        let said = tokio::task::spawn_blocking(check).await.expect("boto3 agrees");
        assert!(said.contains("operations answered boto3 as expected"), "{said}");
        world.stop().await;
    });
}

#[test]
fn every_pattern_of_the_api_models_is_translated_or_known() {
    let environment = python_environment(&|_| ()).unwrap_or_else(|error| panic!("{error}"));
    let models = api_models(&environment).unwrap_or_else(|error| panic!("{error}"));
    let models = ApiModels::load(&models).unwrap_or_else(|error| panic!("{error}"));
    let known = UNTRANSLATED.iter().map(|pattern| (*pattern).to_owned()).collect();
    assert_eq!(models.untranslated(), known);
}
