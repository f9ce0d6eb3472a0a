//! What a failure of `SQLite` means.

use rusqlite::{Error, ErrorCode, ffi};

use crate::engine::StoreError;

/// By reference, because all batches of a group may share one failure.
pub(super) fn translate(error: &Error) -> StoreError {
    let (code, message) = match error {
        Error::SqliteFailure(code, message) => (code, message),
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) => {
            return StoreError::Decode(error.to_string());
        }
        _ => return StoreError::Driver(error.to_string().into()),
    };
    if code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY {
        return StoreError::StillReferenced;
    }
    match code.code {
        ErrorCode::DiskFull => StoreError::DiskFull,
        ErrorCode::OperationInterrupted => StoreError::TooLong,
        ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen => {
            StoreError::Unwritable(Box::new(Error::SqliteFailure(*code, message.clone())))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StoreError::Damaged(error.to_string())
        }
        _ => StoreError::Driver(Box::new(Error::SqliteFailure(*code, message.clone()))),
    }
}

pub(super) fn driver(error: std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        StoreError::DiskFull
    } else {
        StoreError::Driver(Box::new(error))
    }
}
