// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's memory, virtual CPUs and scheduling.

use std::ffi::{c_int, c_uint};

use virt::sys;

use super::{Domain, Text, call};
use crate::core::typed_params::TypedParams;
use crate::error::Result;
use crate::value::Map;

impl Domain {
    /// The most memory it can have, in KiB.
    pub fn get_max_memory(&self) -> Result<u64> {
        // SAFETY: the pointer is live.
        match unsafe { sys::virDomainGetMaxMemory(self.raw()) } {
            0 => Err(call::failed(c"virDomainGetMaxMemory")),
            memory => Ok(memory),
        }
    }

    /// Sets the most memory it can have, in KiB.
    pub fn set_max_memory(&self, memory: u64) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainSetMaxMemory(self.raw(), memory) };
        call::done(returned, c"virDomainSetMaxMemory")
    }

    /// Sets the memory it has, in KiB.
    pub fn set_memory(&self, memory: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match flags {
                0 => call::done(sys::virDomainSetMemory(self.raw(), memory), c"virDomainSetMemory"),
                _ => {
                    let returned = sys::virDomainSetMemoryFlags(self.raw(), memory, flags);
                    call::done(returned, c"virDomainSetMemoryFlags")
                }
            }
        }
    }

    /// The most virtual CPUs it can have.
    pub fn get_max_vcpus(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        match unsafe { sys::virDomainGetMaxVcpus(self.raw()) } {
            0 => Err(call::failed(c"virDomainGetMaxVcpus")),
            count => call::number(count, c"virDomainGetMaxVcpus"),
        }
    }

    /// How many virtual CPUs it has; `flags` say in which configuration.
    pub fn get_vcpus(&self, flags: c_uint) -> Result<c_int> {
        let function = c"virDomainGetVcpusFlags";
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virDomainGetVcpusFlags(self.raw(), flags) }, function)
    }

    /// Sets how many virtual CPUs it has.
    pub fn set_vcpus(&self, count: c_uint, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match flags {
                0 => call::done(sys::virDomainSetVcpus(self.raw(), count), c"virDomainSetVcpus"),
                _ => {
                    let returned = sys::virDomainSetVcpusFlags(self.raw(), count, flags);
                    call::done(returned, c"virDomainSetVcpusFlags")
                }
            }
        }
    }

    /// The memory limits, in KiB.
    pub fn get_memory_parameters(&self, flags: c_uint) -> Result<Map> {
        self.memory_parameters(flags).map(|params| params.to_map())
    }

    fn memory_parameters(&self, flags: c_uint) -> Result<TypedParams> {
        TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virDomainGetMemoryParameters(self.raw(), array, len, flags) };
            call::done(returned, c"virDomainGetMemoryParameters")
        })
    }

    /// Sets the memory limits that `limits` names.
    pub fn set_memory_parameters(&self, limits: &Map, flags: c_uint) -> Result<()> {
        let known = self.memory_parameters(0)?;
        let params = TypedParams::from_map(limits, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virDomainSetMemoryParameters(self.raw(), array, len, flags) };
        call::done(returned, c"virDomainSetMemoryParameters")
    }

    /// The scheduler's name.
    pub fn get_scheduler_type(&self) -> Result<Text> {
        self.scheduler().map(|(name, _params)| name)
    }

    /// The scheduler's name and its number of parameters.
    fn scheduler(&self) -> Result<(Text, c_int)> {
        let mut params = 0;
        // SAFETY: the pointer is live; the text is new and ours.
        let name = unsafe {
            let returned = sys::virDomainGetSchedulerType(self.raw(), &mut params);
            call::text(returned, c"virDomainGetSchedulerType")?
        };
        Ok((name, params))
    }

    /// The scheduler's parameters.
    pub fn get_scheduler_parameters(&self, flags: c_uint) -> Result<Map> {
        self.scheduler_parameters(flags).map(|params| params.to_map())
    }

    fn scheduler_parameters(&self, flags: c_uint) -> Result<TypedParams> {
        let (_name, count) = self.scheduler()?;
        TypedParams::fill(count, |array, len| {
            // SAFETY: the pointer is live; the array has room for `len`.
            unsafe {
                match flags {
                    0 => {
                        let returned = sys::virDomainGetSchedulerParameters(self.raw(), array, len);
                        call::done(returned, c"virDomainGetSchedulerParameters")
                    }
                    _ => {
                        let returned = sys::virDomainGetSchedulerParametersFlags(
                            self.raw(),
                            array,
                            len,
                            flags,
                        );
                        call::done(returned, c"virDomainGetSchedulerParametersFlags")
                    }
                }
            }
        })
    }

    /// Sets the scheduler parameters that `settings` names.
    pub fn set_scheduler_parameters(&self, settings: &Map, flags: c_uint) -> Result<()> {
        let known = self.scheduler_parameters(0)?;
        let params = TypedParams::from_map(settings, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        unsafe {
            match flags {
                0 => {
                    let returned = sys::virDomainSetSchedulerParameters(self.raw(), array, len);
                    call::done(returned, c"virDomainSetSchedulerParameters")
                }
                _ => {
                    let function = c"virDomainSetSchedulerParametersFlags";
                    let returned =
                        sys::virDomainSetSchedulerParametersFlags(self.raw(), array, len, flags);
                    call::done(returned, function)
                }
            }
        }
    }
}
