//! How RocksDB is set up: small, quiet, with few threads, so that an idle member stays small.

use std::ffi::c_int;

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, InfoLogger, LogLevel, Options};

const MEMTABLE_BYTES: usize = 4 << 20;
const MEMTABLES_BYTES: usize = 8 << 20;
const CACHE_BYTES: usize = 16 << 20;
const BLOCK_BYTES: usize = 16 << 10;
const WAL_BYTES: u64 = 32 << 20;
const MANIFEST_BYTES: usize = 4 << 20;
const OPEN_FILES: c_int = 256;
/// One flush and one compaction at a time.
const JOBS: c_int = 2;

/// The options of the database as a whole.
pub(crate) fn database() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_db_write_buffer_size(MEMTABLES_BYTES);
    options.set_max_total_wal_size(WAL_BYTES);
    options.set_max_manifest_file_size(MANIFEST_BYTES);
    options.set_max_open_files(OPEN_FILES);
    options.set_max_file_opening_threads(1);
    options.set_max_background_jobs(JOBS);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_log_level(LogLevel::Warn);
    // RocksDB's own log file would grow without anybody reading it; what matters goes where our
    // own log goes.
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Warn, report));
    options
}

/// The options of each column family, with a block cache of its own.
pub(crate) fn family() -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES / super::Family::ALL.len()));
    blocks.set_block_size(BLOCK_BYTES);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.set_write_buffer_size(MEMTABLE_BYTES);
    options.set_max_write_buffer_number(2);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_block_based_table_factory(&blocks);
    options
}

fn report(level: LogLevel, message: &str) {
    match level {
        LogLevel::Error | LogLevel::Fatal => tracing::error!(target: "store::rocksdb", "{message}"),
        LogLevel::Warn => tracing::warn!(target: "store::rocksdb", "{message}"),
        // The options in force: hundreds of lines at every start, which no level keeps away.
        _ => tracing::trace!(target: "store::rocksdb", "{message}"),
    }
}
