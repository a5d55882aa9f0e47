-- A role for webui-realtime beside Open WebUI 0.12: it reads what it needs, no password and no text of
-- a message, and writes nine columns. Run it as the owner of Open WebUI's tables, in their database:
--   psql "$DATABASE_URL" --set=password="'choose one'" --file=postgres-role.sql
-- With DATABASE_SCHEMA, put `SET search_path TO that_schema;` first and name the schema below.

CREATE ROLE webui_realtime LOGIN PASSWORD :password;
GRANT USAGE ON SCHEMA public TO webui_realtime;

GRANT SELECT (id, name, email, role, last_active_at) ON "user" TO webui_realtime;
GRANT SELECT (id, active, session_stamp, mfa) ON auth TO webui_realtime;
GRANT SELECT (key, value) ON config TO webui_realtime;
GRANT SELECT (id, user_id, type, archived_at, deleted_at) ON channel TO webui_realtime;
GRANT SELECT (channel_id, user_id, is_active, last_read_at, updated_at) ON channel_member
  TO webui_realtime;
GRANT SELECT (resource_type, resource_id, principal_type, principal_id, permission) ON access_grant
  TO webui_realtime;
GRANT SELECT (id, permissions, parent_group_id) ON "group" TO webui_realtime;
GRANT SELECT (group_id, user_id) ON group_member TO webui_realtime;
GRANT SELECT (id, user_id, data, updated_at) ON note TO webui_realtime;
GRANT SELECT (id, user_id, updated_at, last_read_at, archived, folder_id, meta, timer_at) ON chat
  TO webui_realtime;
GRANT SELECT (chat_id, role, done) ON chat_message TO webui_realtime;
GRANT SELECT (id, parent_id, user_id, data) ON folder TO webui_realtime;
GRANT SELECT (chat_id, chat, updated_at) ON shared_chat TO webui_realtime;
GRANT SELECT (version_num) ON alembic_version TO webui_realtime;

GRANT UPDATE (last_active_at) ON "user" TO webui_realtime;
GRANT UPDATE (last_read_at, updated_at) ON channel_member TO webui_realtime;
GRANT UPDATE (data, updated_at) ON note TO webui_realtime;
GRANT UPDATE (last_read_at, meta, timer_at, updated_at) ON chat TO webui_realtime;
