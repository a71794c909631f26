//! Stories that are told once and asked about by several tests.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock, Once};

use futures::FutureExt;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// All stories run here, so that a cloud outlives the test that started it if another test needs it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts")
});

/// Runs a story to its end.
pub(crate) fn play<F: Future>(story: F) -> F::Output {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(begin_all);
    RUNTIME.block_on(story)
}

/// Begins all tales, as far as there is room: two tests that wait for one tale would otherwise leave the others untold
/// on a machine with two cores. Whoever asks for certain tests gets only the tales that those need.
fn begin_all() {
    if std::env::args().skip(1).any(|argument| !argument.starts_with('-')) {
        return;
    }
    // A tale keeps how it ended, a failure too, for the tests that ask about it.
    fn begin<T: 'static, F: Future<Output = Arc<T>> + 'static>(tale: fn() -> F) {
        std::thread::spawn(move || RUNTIME.block_on(AssertUnwindSafe(tale()).catch_unwind()).is_ok());
    }
    begin(crate::chaos::chaos);
    begin(crate::thrice::thrice);
    begin(crate::calm::calm);
    begin(crate::refused::refusals);
    begin(crate::rollout::rollouts);
    begin(crate::sweep::sweeps);
    begin(crate::dead_letters::dead_letters);
    begin(crate::redrive::redriven);
    begin(crate::doctor::visits);
}

/// A story's evidence, or why it could not be told.
pub(crate) struct Tale<T>(OnceCell<Result<Arc<T>, String>>);

impl<T> Tale<T> {
    pub(crate) const fn untold() -> Self {
        Self(OnceCell::const_new())
    }

    /// The evidence; the first who asks lets the story happen.
    pub(crate) async fn told_by<F>(&self, story: impl FnOnce() -> F) -> Arc<T>
    where
        F: Future<Output = T>,
    {
        let told = self.0.get_or_init(|| async {
            // A story that panics has been told, too: it is not told again, and every test hears how it ended.
            AssertUnwindSafe(story()).catch_unwind().await.map(Arc::new).map_err(why)
        });
        match told.await {
            Ok(evidence) => Arc::clone(evidence),
            Err(why) => panic!("the story was not told to its end: {why}"),
        }
    }
}

fn why(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map_or("it panicked", |text| text).to_owned(),
    }
}
