/** What anybody may know of a server, at `GET /api/config`, in Open WebUI's shape. */
export interface PublicConfig {
  status: true;
  /** Nobody has signed up yet: whoever does becomes the admin. */
  onboarding: boolean;
  features: { enable_signup: boolean };
}
