//! The calls on which durability hangs, behind a trait so that tests can make them fail.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::io::Errno;

/// A disk that cannot read something cannot read at least this much, bytes.
const BLOCK_BYTES: usize = 4096;
/// Stands for what cannot be read. Not zero: zeroes at a file's end are space that was never written, and are cut off.
const UNREADABLE: u8 = 0xEE;

/// Writing and making durable.
pub(super) trait Disk: Send {
    /// Write some of `bytes` at `offset`; how many were written.
    fn write_at(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Return once the file's content and length would survive a power cut.
    fn sync(&mut self, file: &File) -> io::Result<()>;

    /// Fill `bytes` with what lies at `offset`.
    fn read_exact_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()>;
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

    fn read_exact_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(bytes, offset)
    }
}

/// A file as far as it can be read.
pub(super) struct Contents {
    /// As long as the file; what cannot be read is made up.
    pub bytes: Vec<u8>,
    pub is_whole: bool,
}

/// Whether the disk has lost what lies there, for now or for good; anything else may work the next time.
pub(super) fn is_lost(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
        || matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::BADMSG | Errno::UCLEAN))
}

/// Read a whole file. A sector that cannot be read costs what lies in it, and not the file.
pub(super) fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Contents> {
    let file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).expect("usize has 64 bits");
    let mut bytes = vec![0; length];
    match disk.read_exact_at(&file, &mut bytes, 0) {
        Ok(()) => return Ok(Contents { bytes, is_whole: true }),
        Err(error) if is_lost(&error) => {}
        Err(error) => return Err(error),
    }
    for (number, block) in bytes.chunks_mut(BLOCK_BYTES).enumerate() {
        match disk.read_exact_at(&file, block, (number * BLOCK_BYTES) as u64) {
            Err(error) if is_lost(&error) => block.fill(UNREADABLE),
            read => read?,
        }
    }
    Ok(Contents { bytes, is_whole: false })
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
