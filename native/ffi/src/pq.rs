//! A COPY on a connection of libpq, by the functions of the libpq that made it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::{self, PipeReader};
use std::mem::size_of;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::slice;
use std::time::Duration;

use dativo_core::pg::{Copied, CopySource};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::status::Failure;

/// The libpq that the functions below first came with, 9.2.
const OLDEST: c_int = 90_200;

/// What PQgetCopyData says beside the length of a row.
const END: c_int = -1;
const FAILED: c_int = -2;

/// Functions of libpq, all of the one that made the PGconn they are used with.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DativoPqCalls {
    /// sizeof(DativoPqCalls) as the caller knows it.
    pub struct_size: u32,
    /// How long to wait for a row before saying that there is none (200 ms).
    pub idle_millis: u32,
    /// PQgetCopyData
    pub get_copy_data:
        Option<unsafe extern "C" fn(conn: *mut c_void, row: *mut *mut c_char, async_mode: c_int) -> c_int>,
    /// PQfreemem
    pub free_mem: Option<unsafe extern "C" fn(memory: *mut c_void)>,
    /// PQconsumeInput
    pub consume_input: Option<unsafe extern "C" fn(conn: *mut c_void) -> c_int>,
    /// PQsocket
    pub socket: Option<unsafe extern "C" fn(conn: *const c_void) -> c_int>,
    /// PQerrorMessage
    pub error_message: Option<unsafe extern "C" fn(conn: *const c_void) -> *const c_char>,
    /// PQlibVersion
    pub lib_version: Option<unsafe extern "C" fn() -> c_int>,
}

/// The same, each of them there.
#[derive(Clone, Copy)]
struct Calls {
    get_copy_data: unsafe extern "C" fn(*mut c_void, *mut *mut c_char, c_int) -> c_int,
    free_mem: unsafe extern "C" fn(*mut c_void),
    consume_input: unsafe extern "C" fn(*mut c_void) -> c_int,
    socket: unsafe extern "C" fn(*const c_void) -> c_int,
    error_message: unsafe extern "C" fn(*const c_void) -> *const c_char,
}

/// Reads the functions that the caller gives.
///
/// # Safety
/// `calls` is NULL or points to a DativoPqCalls whose functions are those of one libpq.
unsafe fn read(calls: *const DativoPqCalls) -> Result<(Calls, u64), Failure> {
    if calls.is_null() {
        return Err(Failure::invalid("calls: is NULL"));
    }
    // SAFETY: by contract the struct begins with its size, and u32 has no invalid values.
    let size = unsafe { calls.cast::<u32>().read() } as usize;
    if size != size_of::<DativoPqCalls>() {
        return Err(Failure::invalid(format!(
            "calls: struct_size is {size}, this library knows {}",
            size_of::<DativoPqCalls>()
        )));
    }
    // SAFETY: it is as long as a DativoPqCalls, and by contract is one.
    let given = unsafe { calls.read() };
    let missing = || Failure::invalid("calls: a function is NULL");
    let version = given.lib_version.ok_or_else(missing)?;
    // SAFETY: by contract it is PQlibVersion, which takes nothing.
    if unsafe { version() } < OLDEST {
        return Err(Failure::invalid("calls: lib_version is not that of a libpq from 9.2 on"));
    }
    let known = Calls {
        get_copy_data: given.get_copy_data.ok_or_else(missing)?,
        free_mem: given.free_mem.ok_or_else(missing)?,
        consume_input: given.consume_input.ok_or_else(missing)?,
        socket: given.socket.ok_or_else(missing)?,
        error_message: given.error_message.ok_or_else(missing)?,
    };
    Ok((known, if given.idle_millis == 0 { 200 } else { u64::from(given.idle_millis) }))
}

/// The messages of the COPY that a connection is in.
pub(crate) struct PqSource {
    conn: *mut c_void,
    calls: Calls,
    /// Becomes readable when the reading is cancelled, so that a wait ends at once.
    wake: PipeReader,
    /// The message that was lent last, to be freed.
    row: *mut c_char,
    /// PQgetCopyData has said so; it must not be asked again.
    ended: bool,
}

// SAFETY: libpq allows any thread to use a connection, one at a time; by contract nobody else uses it while the source is
// used, and the lock of the handle that owns the source lets one thread in at a time.
unsafe impl Send for PqSource {}

impl PqSource {
    /// A source, and how many milliseconds the caller wants it to wait.
    ///
    /// # Safety
    /// `conn` is NULL or a PGconn that stays open as long as the source lives and that nobody else uses meanwhile; `calls`
    /// is NULL or points to a DativoPqCalls with the functions of the libpq that made it.
    pub(crate) unsafe fn new(
        conn: *mut c_void,
        calls: *const DativoPqCalls,
        wake: PipeReader,
    ) -> Result<(PqSource, u64), Failure> {
        if conn.is_null() {
            return Err(Failure::invalid("pgconn: is NULL"));
        }
        // SAFETY: the same contract.
        let (calls, idle_millis) = unsafe { read(calls) }?;
        Ok((PqSource { conn, calls, wake, row: ptr::null_mut(), ended: false }, idle_millis))
    }

    fn free_row(&mut self) {
        let row = std::mem::replace(&mut self.row, ptr::null_mut());
        if !row.is_null() {
            // SAFETY: PQgetCopyData allocated it, nobody has a reference to it any more, and it is freed once.
            unsafe { (self.calls.free_mem)(row.cast()) };
        }
    }

    /// What PQgetCopyData says: a length, 0 if the caller has to wait, or less. The message is in `row`.
    fn get(&mut self) -> c_int {
        // SAFETY: by the contract of `new` the connection is open and ours, and `row` is a place for a pointer.
        unsafe { (self.calls.get_copy_data)(self.conn, &mut self.row, 1) }
    }

    /// Takes in what the system has received, or TLS has decrypted.
    fn consume(&self) -> io::Result<()> {
        // SAFETY: by the contract of `new` the connection is open and ours.
        if unsafe { (self.calls.consume_input)(self.conn) } == 1 { Ok(()) } else { Err(self.error()) }
    }

    /// What libpq says is wrong.
    fn error(&self) -> io::Error {
        // SAFETY: by the contract of `new` the connection is open and ours; the text ends with a NUL and is libpq's own
        // until the next call on the connection.
        let message = unsafe { (self.calls.error_message)(self.conn).as_ref().map(|text| CStr::from_ptr(text)) };
        io::Error::other(message.map_or_else(String::new, |text| text.to_string_lossy().trim().to_owned()))
    }

    fn wait(&self, wait: Duration) -> io::Result<Waited> {
        // SAFETY: by the contract of `new` the connection is open and ours.
        let socket = unsafe { (self.calls.socket)(self.conn) };
        if socket < 0 {
            return Err(io::Error::other("the connection is closed"));
        }
        // SAFETY: it is not negative, and libpq keeps it open during this function.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        let mut fds = [PollFd::new(&socket, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
        let timeout =
            Timespec { tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX), tv_nsec: wait.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => Ok(Waited::InVain),
            Ok(_) if !fds[1].revents().is_empty() => Ok(Waited::Woken),
            Ok(_) => Ok(Waited::Ready),
            Err(Errno::INTR) => Ok(Waited::Woken),
            Err(error) => Err(error.into()),
        }
    }
}

/// How a wait ended.
enum Waited {
    Ready,
    InVain,
    Woken,
}

impl CopySource for PqSource {
    fn next(&mut self, wait: Duration) -> io::Result<Copied<'_>> {
        self.free_row();
        if self.ended {
            return Ok(Copied::End);
        }
        // The first time nothing is there it may be libpq that has not looked: TLS may hold what poll does not see.
        let mut looked = false;
        loop {
            match self.get() {
                0 if !looked => looked = true,
                0 => match self.wait(wait)? {
                    Waited::Ready => {}
                    Waited::InVain => return Ok(Copied::TimedOut),
                    Waited::Woken => return Ok(Copied::Woken),
                },
                END => {
                    self.ended = true;
                    return Ok(Copied::End);
                }
                FAILED => {
                    self.ended = true;
                    return Err(self.error());
                }
                length => {
                    let length = usize::try_from(length).map_err(|_| io::Error::other("a row of no length"))?;
                    // SAFETY: PQgetCopyData has put a message of this length there, which lives until `free_row`.
                    return Ok(Copied::Data(unsafe { slice::from_raw_parts(self.row.cast(), length) }));
                }
            }
            self.consume()?;
        }
    }
}

impl Drop for PqSource {
    fn drop(&mut self) {
        self.free_row();
    }
}
