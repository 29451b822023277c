//! Tasks that come and go leave nothing behind. This program counts what is allocated.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use support::Member;

static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Rounds before and between the two looks.
const ROUNDS: usize = 60;

async fn round(member: &Member, round: usize, file: &std::path::Path) {
    let id = format!("task-with-a-name-of-its-own-{round}");
    let file = file.display();
    let script = format!(
        "var s = stream|from().measurement('m').groupBy('host')
         s|window().period(10s).every(1s)|mean('v').as('v')|httpOut('w')
         s|alert().crit(lambda: TRUE).stateChangesOnly().log('{file}')"
    );
    member.define(&id, &script).await;
    for at in 0..20 {
        member.write(&format!("m,host=h{} v=1 {at}\n", at % 4)).await;
    }
    member.engine.settle().await;
    assert_eq!(member.engine.task(&id).await.map(|view| view.executing()), Some(true));
    member.delivered().await;
    member.engine.delete_task(&id).await.expect("deleted");
}

async fn live(member: &Member) -> isize {
    member.checkpoint().await;
    LIVE.load(Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_come_and_go_leave_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("events");
    let member = Member::open(&dir.path().join("data")).await;
    for number in 0..ROUNDS {
        round(&member, number, &file).await;
    }
    let before = live(&member).await;
    for number in ROUNDS..2 * ROUNDS {
        round(&member, number, &file).await;
    }
    let grown = live(&member).await - before;
    assert!(grown < ROUNDS as isize * 400, "{grown} bytes more after {ROUNDS} rounds");
    assert_eq!(member.engine.catalog().topics().count(), 0);
    support::until("the lanes to be gone", || member.engine.stats().lanes.is_empty()).await;
    member.stop().await;

    let data_dir = store::DataDir::open(dir.path().join("data")).expect("the folder");
    let state = store::State::open(data_dir.state_dir()).expect("the state");
    let mut of_tasks = Vec::new();
    for family in [store::Family::Control, store::Family::Checkpoints] {
        let each = |key: &[u8], _: &[u8]| of_tasks.push(String::from_utf8_lossy(key).into_owned());
        state.scan(family, b"", each).expect("a scan");
    }
    of_tasks.retain(|key| key.contains("task-with-a-name"));
    assert_eq!(of_tasks, [""; 0], "the disk holds nothing of them either");
}
