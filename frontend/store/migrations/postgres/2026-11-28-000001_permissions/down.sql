DROP TABLE webhook_secrets;
DROP TABLE permissions;
