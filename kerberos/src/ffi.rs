//! The functions of `libgssapi_krb5` that accept a ticket (RFC 2744, and MIT's `gss_acquire_cred_from`).
//!
//! Every pointer that the library hands out is owned by a type of this module, whose `drop` gives it back.
#![expect(unsafe_code, reason = "a C library; each call says why it is sound")]

use std::{
    ffi::{CStr, c_char, c_void},
    ptr, slice,
};

use crate::{Accepted, KerberosError};

/// Opaque to us.
type Handle = *mut c_void;

#[repr(C)]
struct Buffer {
    length: usize,
    value: *mut c_void,
}

#[repr(C)]
struct Oid {
    length: u32,
    elements: *const c_void,
}

#[repr(C)]
struct Pair {
    key: *const c_char,
    value: *const c_char,
}

#[repr(C)]
struct Pairs {
    count: u32,
    elements: *const Pair,
}

#[link(name = "gssapi_krb5")]
unsafe extern "C" {
    static GSS_C_NT_HOSTBASED_SERVICE: *const Oid;

    fn gss_import_name(minor: *mut u32, name: *const Buffer, kind: *const Oid, out: *mut Handle) -> u32;
    fn gss_acquire_cred_from(
        minor: *mut u32,
        name: Handle,
        seconds: u32,
        mechanisms: *const c_void,
        usage: i32,
        store: *const Pairs,
        out: *mut Handle,
        actual: *mut c_void,
        lifetime: *mut u32,
    ) -> u32;
    fn gss_accept_sec_context(
        minor: *mut u32,
        context: *mut Handle,
        credential: Handle,
        token: *const Buffer,
        bindings: *const c_void,
        source: *mut Handle,
        mechanism: *mut *const Oid,
        reply: *mut Buffer,
        flags: *mut u32,
        lifetime: *mut u32,
        delegated: *mut Handle,
    ) -> u32;
    fn gss_display_name(minor: *mut u32, name: Handle, out: *mut Buffer, kind: *mut *const Oid) -> u32;
    fn gss_display_status(
        minor: *mut u32,
        status: u32,
        kind: i32,
        mechanism: *const Oid,
        more: *mut u32,
        out: *mut Buffer,
    ) -> u32;
    fn gss_release_buffer(minor: *mut u32, buffer: *mut Buffer) -> u32;
    fn gss_release_name(minor: *mut u32, name: *mut Handle) -> u32;
    fn gss_release_cred(minor: *mut u32, credential: *mut Handle) -> u32;
    fn gss_delete_sec_context(minor: *mut u32, context: *mut Handle, token: *mut Buffer) -> u32;
}

const COMPLETE: u32 = 0;
const CONTINUE_NEEDED: u32 = 1;
/// The upper half of a status is an error, the lower one only tells.
const ERRORS: u32 = 0xffff_0000;
const ACCEPT: i32 = 2;
const FOREVER: u32 = u32::MAX;
const OF_LIBRARY: i32 = 1;
const OF_MECHANISM: i32 = 2;
/// 1.2.840.113554.1.2.2
const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";

/// A buffer that the library fills and frees.
struct Filled(Buffer);

impl Filled {
    fn empty() -> Self {
        Self(Buffer { length: 0, value: ptr::null_mut() })
    }

    fn bytes(&self) -> &[u8] {
        if self.0.value.is_null() {
            return &[];
        }
        // SAFETY: the library says that `length` bytes are at `value`; they live until `drop`.
        unsafe { slice::from_raw_parts(self.0.value.cast(), self.0.length) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).trim_end_matches('\0').to_owned()
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: the buffer is empty or was filled by the library, and is freed once.
        unsafe { gss_release_buffer(&raw mut minor, &raw mut self.0) };
    }
}

/// Something of the library with the function that frees it.
struct Owned {
    handle: Handle,
    free: unsafe fn(*mut Handle),
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is null, which all of them take, or was made by the library for this very function.
        unsafe { (self.free)(&raw mut self.handle) };
    }
}

/// # Safety
/// The handle is a name or null.
unsafe fn free_name(handle: *mut Handle) {
    let mut minor = 0;
    // SAFETY: the caller's promise.
    unsafe { gss_release_name(&raw mut minor, handle) };
}

/// # Safety
/// The handle is a credential or null.
unsafe fn free_credential(handle: *mut Handle) {
    let mut minor = 0;
    // SAFETY: the caller's promise.
    unsafe { gss_release_cred(&raw mut minor, handle) };
}

/// # Safety
/// The handle is a context or null.
unsafe fn free_context(handle: *mut Handle) {
    let mut minor = 0;
    // SAFETY: the caller's promise.
    unsafe { gss_delete_sec_context(&raw mut minor, handle, ptr::null_mut()) };
}

fn owned(free: unsafe fn(*mut Handle)) -> Owned {
    Owned { handle: ptr::null_mut(), free }
}

fn given(bytes: &[u8]) -> Buffer {
    Buffer { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast() }
}

/// The right to accept tickets for a service.
pub(crate) struct Credential(Owned);

impl Credential {
    pub(crate) fn acquire(keytab: &CStr, service: &CStr) -> Result<Self, KerberosError> {
        let name = import(service)?;
        let pair = Pair { key: c"keytab".as_ptr(), value: keytab.as_ptr() };
        let store = Pairs { count: 1, elements: &raw const pair };
        let mut credential = owned(free_credential);
        let mut minor = 0;
        // SAFETY: name, store and its strings live through the call; null asks for all mechanisms and no answer about
        // them.
        let status = unsafe {
            gss_acquire_cred_from(
                &raw mut minor,
                name.handle,
                FOREVER,
                ptr::null(),
                ACCEPT,
                &raw const store,
                &raw mut credential.handle,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        ensure("reading the keytab", status, minor)?;
        Ok(Self(credential))
    }

    pub(crate) fn accept(&self, token: &[u8]) -> Result<Accepted, KerberosError> {
        let (mut context, mut source) = (owned(free_context), owned(free_name));
        let mut reply = Filled::empty();
        let (mut minor, mut mechanism) = (0, ptr::null());
        let token = given(token);
        // SAFETY: the context begins as null, as for a first step; token and credential live through the call; what the
        // library makes is owned by the values above. Nothing delegated is asked for.
        let status = unsafe {
            gss_accept_sec_context(
                &raw mut minor,
                &raw mut context.handle,
                self.0.handle,
                &raw const token,
                ptr::null(),
                &raw mut source.handle,
                &raw mut mechanism,
                &raw mut reply.0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        ensure("taking the ticket", status, minor)?;
        if status & CONTINUE_NEEDED != 0 {
            return Err(KerberosError::Unfinished);
        }
        if !is_kerberos(mechanism) {
            return Err(KerberosError::Mechanism);
        }
        Ok(Accepted { principal: display(&source)?, reply: reply.bytes().to_vec() })
    }
}

fn import(service: &CStr) -> Result<Owned, KerberosError> {
    let mut name = owned(free_name);
    let text = given(service.to_bytes());
    let mut minor = 0;
    // SAFETY: the text lives through the call, and the kind is a constant of the library.
    let status = unsafe {
        gss_import_name(&raw mut minor, &raw const text, GSS_C_NT_HOSTBASED_SERVICE, &raw mut name.handle)
    };
    ensure("reading the service's name", status, minor)?;
    Ok(name)
}

fn is_kerberos(mechanism: *const Oid) -> bool {
    if mechanism.is_null() {
        return false;
    }
    // SAFETY: the library tells a constant of its own, which lives for ever.
    let bytes =
        unsafe { slice::from_raw_parts((*mechanism).elements.cast::<u8>(), (*mechanism).length as usize) };
    bytes == KERBEROS
}

fn display(name: &Owned) -> Result<String, KerberosError> {
    let mut text = Filled::empty();
    let mut minor = 0;
    // SAFETY: the name was made by the library and lives through the call.
    let status = unsafe { gss_display_name(&raw mut minor, name.handle, &raw mut text.0, ptr::null_mut()) };
    ensure("reading who came", status, minor)?;
    Ok(text.text())
}

fn ensure(doing: &'static str, status: u32, minor: u32) -> Result<(), KerberosError> {
    if status & ERRORS == COMPLETE {
        return Ok(());
    }
    let told = format!("{} ({})", words(status, OF_LIBRARY), words(minor, OF_MECHANISM));
    Err(KerberosError::Library { doing, told })
}

/// All that the library has to say about a status.
fn words(status: u32, kind: i32) -> String {
    let (mut all, mut more) = (Vec::new(), 0);
    loop {
        let mut text = Filled::empty();
        let mut minor = 0;
        // SAFETY: the buffer is ours; null asks for the default mechanism.
        let shown = unsafe {
            gss_display_status(&raw mut minor, status, kind, ptr::null(), &raw mut more, &raw mut text.0)
        };
        if shown & ERRORS != COMPLETE {
            break;
        }
        all.push(text.text());
        if more == 0 {
            break;
        }
    }
    all.join("; ")
}
