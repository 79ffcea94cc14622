/** The visitor's microphone. */
import { CallError } from "../errors.js";

/** Ask for it. The browser asks the visitor. */
export async function openMicrophone(deviceId: string): Promise<MediaStream> {
  // Browsers hide it from pages that came over plain HTTP.
  if (!window.isSecureContext) throw new CallError("insecure", "microphones are for https:// pages only");
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (devices?.getUserMedia === undefined) throw new CallError("unsupported", "no navigator.mediaDevices");
  const audio: MediaTrackConstraints = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    channelCount: { ideal: 1 },
    // The one that was chosen may be unplugged: then another is better than none.
    ...(deviceId === "" ? {} : { deviceId: { ideal: deviceId } }),
  };
  try {
    return await devices.getUserMedia({ audio });
  } catch (thrown) {
    throw microphoneError(thrown);
  }
}

/** What a refusal of the browser means. The names are those of the Media Capture specification. */
export function microphoneError(thrown: unknown): CallError {
  const name = thrown instanceof Error ? thrown.name : "";
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return new CallError("mic_denied", detail);
    case "NotFoundError":
    case "OverconstrainedError":
      return new CallError("mic_missing", detail);
    default:
      return new CallError("mic_failed", detail);
  }
}

/** A device that can be chosen. */
export interface Device {
  id: string;
  label: string;
}

export interface Devices {
  microphones: Device[];
  speakers: Device[];
}

/** What there is to choose from. Labels are empty before the visitor allowed a microphone. */
export async function listDevices(): Promise<Devices> {
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  const all = devices?.enumerateDevices === undefined ? [] : await devices.enumerateDevices();
  const of = (kind: MediaDeviceKind): Device[] =>
    all.filter((d) => d.kind === kind && d.deviceId !== "").map((d) => ({ id: d.deviceId, label: d.label }));
  return { microphones: of("audioinput"), speakers: canChooseSpeaker() ? of("audiooutput") : [] };
}

/** Whether this browser lets a page choose where it sounds. */
export function canChooseSpeaker(): boolean {
  return typeof AudioContext !== "undefined" && "setSinkId" in AudioContext.prototype;
}
