CREATE OR REPLACE VIEW aws_cloudtrail_log AS SELECT
  additional_event_data, api_version, aws_region, edge_device_details, error_code, error_message,
  event_category, event_id, event_name, event_source, event_time, event_type, event_version,
  management_event, read_only, recipient_account_id, request_id, request_parameters, resources,
  response_elements, service_event_details, session_credential_from_console, shared_event_id,
  source_ip_address, user_agent, user_identity, vpc_endpoint_id, vpc_endpoint_account_id,
  addendum, event_context, insight_details,
  CASE WHEN tls_details.tls_version IS NULL AND tls_details.cipher_suite IS NULL
        AND tls_details.client_provided_host_header IS NULL THEN NULL ELSE tls_details END AS tls_details,
  event_time AS tp_timestamp,
  CAST(event_time AS DATE) AS tp_date,
  recipient_account_id AS tp_index,
  source_ip_address AS tp_source_ip,
  CASE WHEN source_ip_address IS NULL THEN NULL ELSE ARRAY[source_ip_address] END AS tp_ips,
  array_distinct(filter(ARRAY[user_identity.user_name, user_identity.session_context.session_issuer.user_name],
    x -> x IS NOT NULL)) AS tp_usernames,
  filter(transform(try(CAST(json_parse(resources) AS ARRAY(JSON))), r -> json_extract_scalar(r, '$.ARN')),
    x -> x IS NOT NULL) AS tp_akas,
  source_object AS tp_source_location,
  source_index,
  "date"
FROM trailblame_events WHERE NOT is_state_change;

CREATE OR REPLACE VIEW cloudtrail_logs AS SELECT
  event_version AS eventversion,
  CAST(ROW(
    user_identity.type, user_identity.principal_id, user_identity.arn, user_identity.account_id,
    user_identity.invoked_by, user_identity.access_key_id, user_identity.user_name,
    ROW(user_identity.on_behalf_of.user_id, user_identity.on_behalf_of.identity_store_arn),
    ROW(
      ROW(user_identity.session_context.attributes.mfa_authenticated,
          user_identity.session_context.attributes.creation_date),
      ROW(user_identity.session_context.session_issuer.type,
          user_identity.session_context.session_issuer.principal_id,
          user_identity.session_context.session_issuer.arn,
          user_identity.session_context.session_issuer.account_id,
          user_identity.session_context.session_issuer.user_name),
      user_identity.session_context.ec2_role_delivery,
      ROW(user_identity.session_context.web_id_federation_data.federated_provider,
          try(CAST(json_parse(user_identity.session_context.web_id_federation_data.attributes) AS MAP(VARCHAR, VARCHAR)))))
  ) AS ROW(
    type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR,
    invokedby VARCHAR, accesskeyid VARCHAR, username VARCHAR,
    onbehalfof ROW(userid VARCHAR, identitystorearn VARCHAR),
    sessioncontext ROW(
      attributes ROW(mfaauthenticated VARCHAR, creationdate VARCHAR),
      sessionissuer ROW(type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, username VARCHAR),
      ec2roledelivery VARCHAR,
      webidfederationdata ROW(federatedprovider VARCHAR, attributes MAP(VARCHAR, VARCHAR)))
  )) AS useridentity,
  date_format(event_time, '%Y-%m-%dT%H:%i:%sZ') AS eventtime,
  event_source AS eventsource, event_name AS eventname, aws_region AS awsregion,
  source_ip_address AS sourceipaddress, user_agent AS useragent, error_code AS errorcode,
  error_message AS errormessage, request_parameters AS requestparameters,
  response_elements AS responseelements, additional_event_data AS additionaleventdata,
  request_id AS requestid, event_id AS eventid, CAST(read_only AS VARCHAR) AS readonly,
  transform(try(CAST(json_parse(resources) AS ARRAY(JSON))), r -> CAST(
    ROW(json_extract_scalar(r, '$.ARN'), json_extract_scalar(r, '$.accountId'), json_extract_scalar(r, '$.type'))
    AS ROW(arn VARCHAR, accountid VARCHAR, type VARCHAR))) AS resources,
  event_type AS eventtype, api_version AS apiversion, recipient_account_id AS recipientaccountid,
  service_event_details AS serviceeventdetails, shared_event_id AS sharedeventid,
  vpc_endpoint_id AS vpcendpointid, vpc_endpoint_account_id AS vpcendpointaccountid,
  event_category AS eventcategory,
  CASE WHEN addendum IS NULL THEN NULL ELSE CAST(ROW(
    json_extract_scalar(addendum, '$.reason'), json_extract_scalar(addendum, '$.updatedFields'),
    json_extract_scalar(addendum, '$.originalRequestID'), json_extract_scalar(addendum, '$.originalEventID')
  ) AS ROW(reason VARCHAR, updatedfields VARCHAR, originalrequestid VARCHAR, originaleventid VARCHAR)) END AS addendum,
  session_credential_from_console AS sessioncredentialfromconsole,
  edge_device_details AS edgedevicedetails,
  CAST(ROW(tls_details.tls_version, tls_details.cipher_suite, tls_details.client_provided_host_header)
    AS ROW(tlsversion VARCHAR, ciphersuite VARCHAR, clientprovidedhostheader VARCHAR)) AS tlsdetails,
  date_format(event_time, '%Y/%m/%d') AS "timestamp",
  "date"
FROM trailblame_events WHERE NOT is_state_change;
