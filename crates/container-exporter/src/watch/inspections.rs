//! Questions about single containers: each at most once at a time, and not too many at once.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

use crate::{docker::DockerError, fleet::Inspected};

/// How many questions Docker is asked at once. A start of fifty containers must not become fifty connections.
const AT_ONCE: usize = 8;

/// A question's answer; `Ok(None)`: it is a container that is not watched.
pub(super) type Answer = Result<Option<Inspected>, DockerError>;

/// What is to be done with an answer that has come.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) id: String,
    /// Events may have been missed before the question.
    pub(super) unheard: bool,
    pub(super) answer: Answer,
}

/// What has become of a question while its answer was on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Good,
    /// Something has happened to the container since: the answer can be older than that. Ask again.
    Outdated,
    /// The container is gone.
    Void,
}

/// The questions that wait, and those that have been asked. At most one of each a container, so the queue cannot grow
/// beyond the containers that there are.
#[derive(Default)]
pub(super) struct Inspections {
    waiting: VecDeque<String>,
    /// For which of the waiting and asked ones events may have been missed.
    unheard: HashSet<String>,
    asked: HashMap<String, Fate>,
    answers: FuturesUnordered<BoxFuture<'static, (String, Answer)>>,
    /// Those that Docker did not answer, to be asked again with the next list.
    failed: HashSet<String>,
}

impl Inspections {
    /// Wants a container asked about, because something has happened to it.
    pub(super) fn want(&mut self, id: String, unheard: bool) {
        if unheard {
            self.unheard.insert(id.clone());
        }
        self.failed.remove(&id);
        if let Some(fate) = self.asked.get_mut(&id) {
            *fate = Fate::Outdated;
        } else if !self.waiting.contains(&id) {
            self.waiting.push_back(id);
        }
    }

    /// Drops all questions about a container that is gone.
    pub(super) fn forget(&mut self, id: &str) {
        self.waiting.retain(|waiting| waiting != id);
        self.unheard.remove(id);
        self.failed.remove(id);
        if let Some(fate) = self.asked.get_mut(id) {
            *fate = Fate::Void;
        }
    }

    /// Notes that Docker did not answer about a container.
    pub(super) fn failed(&mut self, answered: Answered) {
        if answered.unheard {
            self.unheard.insert(answered.id.clone());
        }
        self.failed.insert(answered.id);
    }

    /// Wants all those again that Docker did not answer about.
    pub(super) fn want_failed(&mut self) {
        for id in std::mem::take(&mut self.failed) {
            self.want(id, false);
        }
    }

    /// Asks as many of the waiting questions as may be asked, with `ask`, and gives the next good answer. Never ready
    /// while there is nothing to ask. Dropping the future loses nothing.
    pub(super) async fn next(&mut self, ask: impl Fn(String) -> BoxFuture<'static, Answer>) -> Answered {
        loop {
            while self.answers.len() < AT_ONCE
                && let Some(id) = self.waiting.pop_front()
            {
                self.asked.insert(id.clone(), Fate::Good);
                let answer = ask(id.clone());
                self.answers.push(Box::pin(async move { (id, answer.await) }));
            }
            let Some((id, answer)) = self.answers.next().await else {
                return std::future::pending().await;
            };
            match self.asked.remove(&id) {
                Some(Fate::Good) => {
                    let unheard = self.unheard.remove(&id);
                    return Answered { id, unheard, answer };
                }
                Some(Fate::Outdated) => self.waiting.push_back(id),
                Some(Fate::Void) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures::FutureExt;
    use tokio::sync::Semaphore;

    use super::*;

    /// A Docker that answers a question for each permit.
    struct SlowDocker {
        asked: Arc<AtomicUsize>,
        may_answer: Arc<Semaphore>,
    }

    impl SlowDocker {
        fn new() -> Self {
            Self { asked: Arc::default(), may_answer: Arc::new(Semaphore::new(0)) }
        }

        fn ask(&self) -> impl Fn(String) -> BoxFuture<'static, Answer> + use<> {
            let (asked, may_answer) = (Arc::clone(&self.asked), Arc::clone(&self.may_answer));
            move |_| {
                asked.fetch_add(1, Ordering::SeqCst);
                let may_answer = Arc::clone(&may_answer);
                async move {
                    may_answer.acquire().await.unwrap().forget();
                    Ok(None)
                }
                .boxed()
            }
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn no_more_are_asked_at_once_than_may_be() {
        let docker = SlowDocker::new();
        let mut inspections = Inspections::default();
        for number in 0..50 {
            inspections.want(number.to_string(), false);
        }
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
        assert_eq!(docker.asked(), AT_ONCE);
        docker.may_answer.add_permits(50);
        let mut answered = HashSet::new();
        for _ in 0..50 {
            answered.insert(inspections.next(docker.ask()).await.id);
        }
        assert_eq!(answered.len(), 50);
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
    }

    #[tokio::test]
    async fn an_answer_that_something_has_overtaken_is_asked_for_again() {
        let docker = SlowDocker::new();
        let mut inspections = Inspections::default();
        inspections.want("a".to_owned(), true);
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
        inspections.want("a".to_owned(), false);
        docker.may_answer.add_permits(2);
        let answered = inspections.next(docker.ask()).await;
        assert_eq!((answered.id.as_str(), docker.asked()), ("a", 2));
        assert!(answered.unheard, "what was missed before the first question was missed before the second");
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_answer_about_a_container_that_is_gone_is_void() {
        let docker = SlowDocker::new();
        let mut inspections = Inspections::default();
        inspections.want("a".to_owned(), false);
        inspections.want("b".to_owned(), false);
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
        inspections.forget("a");
        docker.may_answer.add_permits(2);
        assert_eq!(inspections.next(docker.ask()).await.id, "b");
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
    }

    #[tokio::test]
    async fn an_unanswered_question_is_asked_again_with_the_next_list() {
        let docker = SlowDocker::new();
        docker.may_answer.add_permits(2);
        let mut inspections = Inspections::default();
        inspections.want("a".to_owned(), false);
        let answered = inspections.next(docker.ask()).await;
        inspections.failed(answered);
        assert!(inspections.next(docker.ask()).now_or_never().is_none());
        inspections.want_failed();
        assert_eq!(inspections.next(docker.ask()).await.id, "a");
    }
}
