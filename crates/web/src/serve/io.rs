//! A socket that says when bytes come in, and gives up on a client that does not take what it asked for.

use std::{
    future::Future,
    io::{Error, ErrorKind, IoSlice, Result},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::phase::Phases;

/// What is known of the protocol.
enum Protocol {
    Unknown,
    Http1,
    Http2,
}

pub(super) struct Watched<S> {
    stream: S,
    phases: Phases,
    protocol: Protocol,
    stall_limit: Duration,
    /// Runs while a write waits for the client.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, is_h2: bool, phases: Phases, stall_limit: Duration) -> Self {
        let protocol = if is_h2 { Protocol::Http2 } else { Protocol::Unknown };
        Self { stream, phases, protocol, stall_limit, stall: None }
    }

    fn note(&mut self, bytes: &[u8]) {
        match self.protocol {
            // The HTTP/2 preface begins like this and no HTTP/1 method does (RFC 9113 §3.4).
            Protocol::Unknown if bytes.starts_with(b"PRI") => self.protocol = Protocol::Http2,
            Protocol::Unknown => self.protocol = Protocol::Http1,
            Protocol::Http1 => self.phases.bytes(),
            // Frames of an idle connection are no request; pings and the phase's own limit watch over it.
            Protocol::Http2 => {}
        }
    }

    fn timed<T>(&mut self, cx: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(self.stall_limit)));
        ready!(stall.as_mut().poll(cx));
        stall.as_mut().reset(Instant::now() + self.stall_limit);
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if let Some(bytes) = buffer.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
            self.note(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.timed(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.timed(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.timed(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.timed(cx, shut)
    }
}
