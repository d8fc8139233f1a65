//! Lines on their way to standard output: gathered by whoever has one, written together by one thread.
//!
//! A write for each request would be a call into the system for each request. Nothing is dropped: when too much waits,
//! whoever has a line waits until it is written, as if it wrote itself. An error is written at once, and what is left is
//! written when the [`Log`] goes.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How many bytes of lines may wait to be written; who has a line then waits too.
pub const LOG_QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// How long a line waits for company.
const GATHERED_FOR: Duration = Duration::from_millis(10);

/// Writes what is logged. Dropping it writes what is left.
#[derive(Debug)]
pub struct Log {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// Where lines are put.
#[derive(Debug, Clone)]
pub(super) struct Lines(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// There is a first line, or somebody cannot wait.
    has_work: Condvar,
    /// Everything up to now is written.
    is_written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// How many bytes were ever put here, and how many of them were written.
    put: u64,
    written: u64,
    is_urgent: bool,
    is_over: bool,
}

impl Log {
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<(Self, Lines)> {
        let queue = Arc::new(Queue::default());
        let writing = Arc::clone(&queue);
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_to(to))?;
        Ok((Self { queue: Arc::clone(&queue), thread: Some(thread) }, Lines(queue)))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.lock().is_over = true;
        self.queue.has_work.notify_all();
        // A thread that has panicked has written what it could.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: wait for a line, let others come, write them all.
    fn write_to(&self, mut to: impl Write) {
        let mut batch = Vec::new();
        loop {
            let waiting = self.has_work.wait_while(self.lock(), |it| it.bytes.is_empty() && !it.is_over);
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let gathered =
                self.has_work.wait_timeout_while(waiting, GATHERED_FOR, |it| !it.is_urgent && !it.is_over);
            let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut waiting.bytes, &mut batch);
            waiting.is_urgent = false;
            let (put, is_over) = (waiting.put, waiting.is_over);
            drop(waiting);
            // There is nowhere to tell that the log cannot be written.
            let _written = to.write_all(&batch).and_then(|()| to.flush());
            batch.clear();
            self.lock().written = put;
            self.is_written.notify_all();
            // Nobody has put anything here since it was over.
            if is_over {
                return;
            }
        }
    }

    fn put(&self, bytes: &[u8], is_urgent: bool) {
        let mut waiting = self.lock();
        // The thread is gone: there is only this way left.
        if waiting.is_over {
            drop(waiting);
            let _written = io::stdout().write_all(bytes);
            return;
        }
        let was_empty = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(bytes);
        waiting.put = waiting.put.wrapping_add(bytes.len() as u64);
        let (mine, is_full) = (waiting.put, waiting.bytes.len() > LOG_QUEUE_BYTES_MAX);
        waiting.is_urgent |= is_urgent || is_full;
        if was_empty || is_urgent || is_full {
            self.has_work.notify_one();
        }
        if is_urgent || is_full {
            drop(self.is_written.wait_while(waiting, |it| it.written < mine));
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { queue: &self.0, is_urgent: false }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        Line { queue: &self.0, is_urgent: *about.level() == Level::ERROR }
    }
}

/// One line.
pub(super) struct Line<'a> {
    queue: &'a Queue,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.queue.put(bytes, self.is_urgent);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sink that many can look into.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_whole_and_once_by_the_end() {
        let kept = Kept::default();
        let (log, lines) = Log::start(kept.clone()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let lines = lines.clone();
                scope.spawn(move || {
                    for nth in 0..1_000 {
                        lines.0.put(format!("{thread} {nth}\n").as_bytes(), false);
                    }
                });
            }
        });
        drop(log);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        for thread in ["0", "1", "2", "3"] {
            let of_thread =
                text.lines().filter_map(|line| line.split_once(' ')).filter(|(it, _)| *it == thread);
            let seen: Vec<u32> = of_thread.map(|(_, nth)| nth.parse().unwrap()).collect();
            assert_eq!(seen, (0..1_000).collect::<Vec<_>>(), "thread {thread}");
        }
        assert_eq!(text.lines().count(), 4_000);
    }

    #[test]
    fn what_is_urgent_or_too_much_is_written_before_its_writer_goes_on() {
        let kept = Kept::default();
        let (_log, lines) = Log::start(kept.clone()).unwrap();
        lines.0.put(b"before\n", false);
        lines.0.put(b"error\n", true);
        assert_eq!(kept.0.lock().unwrap().as_slice(), b"before\nerror\n");
        let line = vec![b'x'; LOG_QUEUE_BYTES_MAX + 1];
        lines.0.put(&line, false);
        assert!(kept.0.lock().unwrap().len() > LOG_QUEUE_BYTES_MAX);
    }
}
