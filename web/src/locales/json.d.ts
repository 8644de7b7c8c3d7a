declare module "*.json?messages" {
  const messages: import("@lingui/core").Messages;
  export default messages;
}
