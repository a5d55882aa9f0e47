/** What anybody may know of a server, at `GET /api/config`, in Open WebUI's shape. */
export interface PublicConfig {
  /** That the server answers at all. */
  status: true;
  /** Nobody has signed up yet: whoever does becomes the admin. */
  onboarding: boolean;
  /** What the server lets one do. */
  features: { enable_signup: boolean };
}
