export { createApi, isClientError } from "webui-realtime-client/api";
