/**
 * What Open WebUI's client shows to a user who is no admin: it reads them of the user it signed in,
 * and fails without. What this server does not have is not allowed; its own checks are its services'.
 */
export const PERMISSIONS = {
  workspace: {},
  sharing: { notes: true },
  chat: {
    delete: true,
    edit: true,
    multiple_models: true,
    regenerate_response: true,
    temporary: true,
  },
  features: { channels: true, direct_tool_servers: true, notes: true },
  settings: { interface: true },
} as const;
