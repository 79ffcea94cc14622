//! The benchmark's driver and the kill test, against real processes and a server whose delays are known.

mod calls_in_rooms_are_measured;
mod campaigns_ring_nobody_twice;
mod killed_processes_lose_no_call;
mod load_tells_what_callers_hear;
mod timing;
