export { chatEventHandler, connect } from "webui-realtime-client";
