//! A file descriptor as a source: waited for with poll, never closed.

use std::io::{self, PipeReader};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use dativo_core::{Fill, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What a pipe is enlarged to if the system allows it: the writer then runs ahead by a whole read
/// instead of 64 KiB.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// Input from a descriptor that belongs to somebody else.
pub(crate) struct FdSource {
    input: BorrowedFd<'static>,
    /// Becomes readable when the reader is cancelled, so that a wait ends at once.
    wake: PipeReader,
}

impl FdSource {
    /// # Errors
    /// If `fd` is not an open descriptor.
    ///
    /// # Safety
    /// `fd` stays open as long as the source lives.
    pub(crate) unsafe fn new(fd: i32, wake: PipeReader) -> io::Result<FdSource> {
        if fd < 0 {
            return Err(Errno::BADF.into());
        }
        // SAFETY: it is not negative, and by contract stays open.
        let input = unsafe { BorrowedFd::borrow_raw(fd) };
        rustix::io::fcntl_getfd(input)?;
        enlarge_pipe(input);
        Ok(FdSource { input, wake })
    }

    /// Waits until there is something to read; false if there is not in time or if it is woken.
    fn wait(&self, wait: Duration) -> rustix::io::Result<bool> {
        let mut fds = [PollFd::new(&self.input, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
        let timeout =
            Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX), tv_nsec: wait.subsec_nanos().into() };
        let ready = poll(&mut fds, Some(&timeout))?;
        let [input, wake] = fds.map(|fd| fd.revents());
        // A hang-up or an error is told by the read that follows, except for this one, which poll
        // reports on a descriptor that was closed meanwhile.
        if input.contains(PollFlags::NVAL) {
            return Err(Errno::BADF);
        }
        Ok(ready > 0 && wake.is_empty())
    }
}

impl Source for FdSource {
    fn read(&mut self, buf: &mut [u8], wait: Duration) -> io::Result<Fill> {
        loop {
            let attempt = match self.wait(wait) {
                Ok(false) => return Ok(Fill::TimedOut),
                Ok(true) => rustix::io::read(self.input, &mut *buf),
                Err(error) => Err(error),
            };
            match attempt {
                Ok(0) => return Ok(Fill::End),
                Ok(bytes) => return Ok(Fill::Bytes(bytes)),
                // A signal, or another reader of a non-blocking descriptor was quicker.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn enlarge_pipe(fd: BorrowedFd<'_>) {
    use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
    // It is not a pipe, or the user's quota is used up: both work, only slower.
    if fcntl_getpipe_size(fd).is_ok_and(|size| size < PIPE_BYTES) {
        let _ = fcntl_setpipe_size(fd, PIPE_BYTES);
    }
}

#[cfg(not(target_os = "linux"))]
fn enlarge_pipe(_fd: BorrowedFd<'_>) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    const SOON: Duration = Duration::from_millis(5);

    #[test]
    fn a_pipe_gives_its_bytes_then_waits_then_ends() -> io::Result<()> {
        let (input, mut output) = io::pipe()?;
        let (wake, _waker) = io::pipe()?;
        // SAFETY: `input` outlives the source.
        let mut source = unsafe { FdSource::new(input.as_raw_fd(), wake) }?;
        let mut buf = [0; 8];
        output.write_all(b"abc")?;
        assert_eq!(source.read(&mut buf, SOON)?, Fill::Bytes(3));
        assert_eq!(source.read(&mut buf, SOON)?, Fill::TimedOut);
        drop(output);
        assert_eq!(source.read(&mut buf, SOON)?, Fill::End);
        Ok(())
    }

    #[test]
    fn a_wake_ends_the_wait() -> io::Result<()> {
        let (input, _output) = io::pipe()?;
        let (wake, mut waker) = io::pipe()?;
        // SAFETY: `input` outlives the source.
        let mut source = unsafe { FdSource::new(input.as_raw_fd(), wake) }?;
        waker.write_all(&[1])?;
        assert_eq!(source.read(&mut [0; 8], Duration::from_secs(60))?, Fill::TimedOut);
        Ok(())
    }

    #[test]
    fn what_is_not_a_descriptor_is_refused() -> io::Result<()> {
        for fd in [-1, 1_000_000] {
            let (wake, _waker) = io::pipe()?;
            // SAFETY: it is refused, so it need not stay open.
            assert!(unsafe { FdSource::new(fd, wake) }.is_err());
        }
        Ok(())
    }
}
