//! Something to see: now and then all processors are kept busy for some seconds.

use crate::say;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Seconds before the first burst, from one to the next, and how long each lasts.
const FIRST: u64 = 8;
const EVERY: u64 = 60;
const LASTS: u64 = 12;

/// Keeps the processors busy at times. [`Burst::step`] is called once a second.
pub struct Burst {
    second: u64,
    on: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burst {
    /// Nothing is busy yet.
    pub fn new() -> Burst {
        Burst { second: 0, on: Arc::default(), threads: Vec::new() }
    }

    /// A second has passed.
    pub fn step(&mut self) {
        self.second += 1;
        if self.second < FIRST {
            return;
        }
        match (self.second - FIRST) % EVERY {
            0 => self.start(),
            LASTS => self.stop(),
            _ => {}
        }
    }

    fn start(&mut self) {
        say(&format!("(keeping the processors busy for {LASTS} seconds, so that there is something to see)"));
        self.on.store(true, Ordering::Relaxed);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.threads = (0..cores)
            .map(|_| {
                let on = self.on.clone();
                std::thread::spawn(move || {
                    while on.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
    }

    /// Ends a burst, if there is one.
    pub fn stop(&mut self) {
        self.on.store(false, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
