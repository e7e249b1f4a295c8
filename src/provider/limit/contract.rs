//! The contract of [`SendLimit`](super::SendLimit), as tests for each implementation.

use super::SendLimit;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any wait of a limit that works.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a limit of this many attempts at a time.
type Make<'a> = &'a dyn Fn(usize) -> Arc<dyn SendLimit>;

/// Tests one implementation.
pub(in crate::provider) fn check(make: Make<'_>) {
    run(async {
        places_are_given_in_the_order_of_asking_and_never_more_than_the_limit(&make(3)).await;
        a_waiter_that_is_dropped_leaves_no_trace(&make(2)).await;
        no_report_keeps_a_place(&make(1)).await;
    });
}

/// Runs a future on two threads.
pub(in crate::provider) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Whether a future, asked once, is not ready.
pub(in crate::provider) async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// Exactly this many places are free.
async fn assert_free(limit: &Arc<dyn SendLimit>, count: usize) {
    let mut held = Vec::new();
    for place in 0..count {
        let permit = timeout(PATIENCE, limit.acquire()).await;
        held.push(permit.unwrap_or_else(|_| panic!("{limit:?}: place {place} of {count} is lost")));
    }
    assert!(timeout(Duration::from_millis(20), limit.acquire()).await.is_err(), "{limit:?}");
}

async fn places_are_given_in_the_order_of_asking_and_never_more_than_the_limit(
    limit: &Arc<dyn SendLimit>,
) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let order = Arc::new(Mutex::new(Vec::new()));
    let held = [limit.acquire().await, limit.acquire().await, limit.acquire().await];
    let mut tasks = Vec::new();
    for ticket in 0..200 {
        let (limit, order) = (Arc::clone(limit), Arc::clone(&order));
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let (asked, has_asked) = tokio::sync::oneshot::channel();
        tasks.push(tokio::spawn(async move {
            let mut place = limit.acquire();
            assert!(is_pending(&mut place).await);
            asked.send(()).unwrap();
            let _permit = place.await;
            order.lock().unwrap().push(ticket);
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
        }));
        has_asked.await.unwrap();
    }
    drop(held);
    for task in tasks {
        timeout(PATIENCE, task).await.expect("a place is lost").unwrap();
    }
    assert!(most.load(Ordering::SeqCst) <= 3, "{limit:?}: {most:?} at a time");
    // Three run at once, so neighbours may note their tickets in either order.
    let order = order.lock().unwrap().clone();
    assert_eq!(order.len(), 200);
    for (place, ticket) in order.iter().enumerate() {
        assert!(place.abs_diff(*ticket) <= 3, "{limit:?}: {order:?}");
    }
    assert_free(limit, 3).await;
}

async fn a_waiter_that_is_dropped_leaves_no_trace(limit: &Arc<dyn SendLimit>) {
    for _ in 0..100 {
        let held = (limit.acquire().await, limit.acquire().await);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let limit = Arc::clone(limit);
                tokio::spawn(async move { drop(limit.acquire().await) })
            })
            .collect();
        tokio::task::yield_now().await;
        for task in waiting.iter().step_by(2) {
            task.abort();
        }
        drop(held);
        for task in waiting {
            // Half of them were aborted; none may wait for ever.
            let _ = timeout(PATIENCE, task).await.expect("a place is lost");
        }
    }
    assert_free(limit, 2).await;
}

/// A limit may wait longer after a refusal, but a place is free again in the end.
async fn no_report_keeps_a_place(limit: &Arc<dyn SendLimit>) {
    let permit = limit.acquire().await;
    permit.on_success();
    drop(permit);
    let permit = limit.acquire().await;
    permit.on_throttled(Some(Duration::from_millis(100)));
    drop(permit);
    let permit = timeout(PATIENCE, limit.acquire()).await.expect("a place is lost");
    // Both reports, in either order, are not a mistake that may cost a place.
    permit.on_success();
    permit.on_throttled(None);
    drop(permit);
    assert_free(limit, 1).await;
}
