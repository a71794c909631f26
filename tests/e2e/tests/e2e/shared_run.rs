//! Scenarios that run once and whose results several tests check.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock, Once};

use futures::FutureExt;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// All scenarios run here, so that a cloud outlives the test that started it if another test needs it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts")
});

/// Runs a future to its end on the shared runtime.
pub(crate) fn block_on<F: Future>(scenario: F) -> F::Output {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(begin_all);
    RUNTIME.block_on(scenario)
}

/// Starts all shared runs, as far as there are slots: on a machine with two cores, two tests that wait for one run
/// would otherwise delay the others. If tests are selected by name, only the runs that they need are started.
fn begin_all() {
    if std::env::args().skip(1).any(|argument| !argument.starts_with('-')) {
        return;
    }
    // A run keeps its result, or its failure, for the tests that check it.
    fn begin<T: 'static, F: Future<Output = Arc<T>> + 'static>(run: fn() -> F) {
        std::thread::spawn(move || RUNTIME.block_on(AssertUnwindSafe(run()).catch_unwind()).is_ok());
    }
    begin(crate::chaos::chaos);
    begin(crate::duplicate_delivery::duplicate_delivery);
    begin(crate::calm::calm);
    begin(crate::refused::refusals);
    begin(crate::rollout::rollouts);
    begin(crate::sweep::sweeps);
    begin(crate::dead_letters::dead_letters);
    begin(crate::redrive::redriven);
    begin(crate::doctor::visits);
    begin(crate::hosting::hosting);
    begin(crate::everything::everything);
}

/// The result of a scenario, or why it failed.
pub(crate) struct SharedRun<T>(OnceCell<Result<Arc<T>, String>>);

impl<T> SharedRun<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceCell::const_new())
    }

    /// The result; the first caller runs the scenario.
    pub(crate) async fn get_or_run<F>(&self, scenario: impl FnOnce() -> F) -> Arc<T>
    where
        F: Future<Output = T>,
    {
        let result = self.0.get_or_init(|| async {
            // A scenario that panics is not run again, and every test gets its failure.
            AssertUnwindSafe(scenario()).catch_unwind().await.map(Arc::new).map_err(why)
        });
        match result.await {
            Ok(evidence) => Arc::clone(evidence),
            Err(why) => panic!("the scenario failed: {why}"),
        }
    }
}

fn why(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map_or("it panicked", |text| text).to_owned(),
    }
}
