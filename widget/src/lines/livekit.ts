/**
 * A room of a LiveKit server, by its own client. A file of its own: six times as large as all the rest, and loaded only when
 * the bridge gives a token for a room.
 */
import { DisconnectReason, type RemoteTrack, Room, RoomEvent, type TextStreamReader, Track } from "livekit-client";
import type { Sound } from "../audio/sound.js";
import type { Line, LineEnd, LineListener, Speaker } from "./line.js";

/** Topics and attributes of text streams that agents and clients of LiveKit use. */
const TRANSCRIPTION = "lk.transcription";
const CHAT = "lk.chat";
const FINAL = "lk.transcription_final";
const SEGMENT = "lk.segment_id";
const STATE = "lk.agent.state";
/** What the identity of a worker's bot begins with; the rest is the call's id. */
const BOT = "bot-";
/** Of the bot's line: the visitor spoke over it. */
const INTERRUPTED = "vox.interrupted";

export class LiveKitLine implements Line {
  private readonly room = new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: true });
  private readonly players: HTMLMediaElement[] = [];
  private isMuted = false;
  private isDone = false;

  constructor(
    private readonly url: string,
    private readonly token: string,
    private readonly sound: Sound,
    private readonly on: LineListener,
  ) {}

  open(): void {
    this.listen();
    this.join().catch((thrown: unknown) => {
      const detail = thrown instanceof Error ? thrown.message : String(thrown);
      this.end({ kind: "failed", code: "offline", detail: `${this.url}: ${detail}` });
    });
  }

  mute(muted: boolean): void {
    this.isMuted = muted;
    // The track goes on, silent: the other side hears no gap, and the microphone is not asked for again.
    const { track } = this.sound;
    if (track !== undefined) track.enabled = !muted;
  }

  async microphoneChanged(): Promise<void> {
    const { track } = this.sound;
    const published = this.room.localParticipant.getTrackPublication(Track.Source.Microphone)?.audioTrack;
    if (track === undefined) return;
    if (published === undefined) await this.publish(track);
    else await published.replaceTrack(track, true);
  }

  async useSpeaker(deviceId: string): Promise<void> {
    await this.room.switchActiveDevice("audiooutput", deviceId === "" ? "default" : deviceId);
  }

  sendText(text: string): void {
    this.room.localParticipant.sendText(text, { topic: CHAT }).catch((thrown: unknown) => {
      console.warn("vox-widget: the message was not sent:", thrown);
    });
  }

  sendKey(key: string): void {
    const codes = "0123456789*#ABCD";
    void this.room.localParticipant.publishDtmf(codes.indexOf(key), key);
  }

  hangUp(): void {
    this.end({ kind: "over", by: "customer" });
  }

  drop(): void {
    this.isDone = true;
    for (const player of this.players) player.remove();
    void this.room.disconnect();
  }

  private end(end: LineEnd): void {
    if (this.isDone) return;
    this.drop();
    this.on.ended(end);
  }

  private async join(): Promise<void> {
    await this.room.connect(this.url, this.token, { autoSubscribe: true });
    const { track } = this.sound;
    if (track !== undefined) await this.publish(track);
    const id = await this.sessionId();
    if (!this.isDone) this.on.ready(id);
  }

  /** The bot waits in the room already, and is called after its call. */
  private async sessionId(): Promise<string> {
    const bot = [...this.room.remoteParticipants.keys()].find((identity) => identity.startsWith(BOT));
    return bot?.slice(BOT.length) ?? (await this.room.getSid());
  }

  private async publish(track: MediaStreamTrack): Promise<void> {
    track.enabled = !this.isMuted;
    await this.room.localParticipant.publishTrack(track, { source: Track.Source.Microphone, dtx: true, red: true });
  }

  private listen(): void {
    const { room } = this;
    room.on(RoomEvent.TrackSubscribed, (track: RemoteTrack) => {
      if (track.kind !== Track.Kind.Audio) return;
      // In no document: it sounds all the same.
      this.players.push(track.attach());
      this.sound.watch(new MediaStream([track.mediaStreamTrack]));
    });
    room.on(RoomEvent.TrackUnsubscribed, (track: RemoteTrack) => {
      for (const player of track.detach()) player.remove();
    });
    room.on(RoomEvent.ParticipantAttributesChanged, (changed) => {
      const state = changed[STATE];
      if (state !== undefined) this.on.botSpeaks(state === "speaking");
    });
    room.on(RoomEvent.Reconnecting, () => this.on.mending());
    room.on(RoomEvent.Reconnected, () => this.on.mended());
    room.on(RoomEvent.Disconnected, (reason) => this.end(endOf(reason)));
    room.registerTextStreamHandler(TRANSCRIPTION, (reader, { identity }) => {
      this.readLine(reader, identity).catch((thrown: unknown) => {
        console.warn("vox-widget: a caption was lost:", thrown);
      });
    });
  }

  /** A caption comes as a stream of pieces: what is there so far is shown until it is complete. */
  private async readLine(reader: TextStreamReader, identity: string): Promise<void> {
    const attributes = reader.info.attributes ?? {};
    const id = attributes[SEGMENT] ?? reader.info.id;
    const speaker = speakerOf(id) ?? (identity === this.room.localParticipant.identity ? "caller" : "bot");
    let text = "";
    for await (const piece of reader) {
      text += piece;
      if (!this.isDone) this.on.transcript({ speaker, text, final: false, interrupted: false, id });
    }
    if (attributes[FINAL] !== "true" || this.isDone) return;
    const interrupted = attributes[INTERRUPTED] === "true";
    if (interrupted) this.on.interrupted();
    this.on.transcript({ speaker, text, final: true, interrupted, id });
  }
}

/** Workers tell all lines of a room themselves: whose one is stands in its segment, `SG_caller_…`. */
function speakerOf(segment: string): Speaker | undefined {
  const word = /^SG_(caller|bot|agent)_/.exec(segment)?.[1];
  return word === "caller" || word === "bot" || word === "agent" ? word : undefined;
}

/** What the end of a room means. */
export function endOf(reason: DisconnectReason | undefined): LineEnd {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return { kind: "over", by: "customer" };
    case DisconnectReason.PARTICIPANT_REMOVED:
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return { kind: "over", by: "bot" };
    case DisconnectReason.JOIN_FAILURE:
      return { kind: "failed", code: "offline", detail: "the room could not be joined" };
    case DisconnectReason.DUPLICATE_IDENTITY:
      return { kind: "failed", code: "failed", detail: "the token was used a second time" };
    default:
      return { kind: "lost", detail: `the room was left: ${reason === undefined ? "?" : DisconnectReason[reason]}` };
  }
}
