//! The two calls on which durability hangs, behind a trait so that tests can make them fail.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Writing and making durable.
pub(super) trait Disk: Send {
    /// Write some of `bytes` at `offset`; how many were written.
    fn write_at(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Return once the file's content and length would survive a power cut.
    fn sync(&mut self, file: &File) -> io::Result<()>;
}

/// The kernel's file system.
pub(super) struct KernelDisk;

impl Disk for KernelDisk {
    fn write_at(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.write_at(bytes, offset)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// `write_at` until everything is written.
pub(super) fn write_all_at(
    disk: &mut dyn Disk,
    file: &File,
    mut bytes: &[u8],
    mut offset: u64,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write_at(file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += u64::try_from(written).expect("usize fits u64");
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
