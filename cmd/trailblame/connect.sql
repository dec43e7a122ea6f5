CREATE OR REPLACE VIEW aws_cloudtrail_log AS SELECT
  additional_event_data, api_version, aws_region, edge_device_details, error_code, error_message,
  event_category, event_id, event_name, event_source, event_time::TIMESTAMP AS event_time, event_type, event_version,
  management_event, read_only, recipient_account_id, request_id, request_parameters, resources,
  response_elements, service_event_details, session_credential_from_console, shared_event_id,
  source_ip_address, user_agent, user_identity, vpc_endpoint_id, vpc_endpoint_account_id,
  addendum, event_context, insight_details,
  CASE WHEN tls_details.tls_version IS NULL AND tls_details.cipher_suite IS NULL
        AND tls_details.client_provided_host_header IS NULL THEN NULL ELSE tls_details END AS tls_details,
  event_time::TIMESTAMP AS tp_timestamp,
  event_time::TIMESTAMP::DATE AS tp_date,
  recipient_account_id AS tp_index,
  source_ip_address AS tp_source_ip,
  CASE WHEN source_ip_address IS NULL THEN NULL ELSE [source_ip_address] END AS tp_ips,
  list_distinct(list_filter([user_identity.user_name, user_identity.session_context.session_issuer.user_name],
    lambda x: x IS NOT NULL)) AS tp_usernames,
  list_filter(list_transform(TRY_CAST(resources AS JSON[]), lambda r: r ->> '$.ARN'), lambda x: x IS NOT NULL) AS tp_akas,
  source_object AS tp_source_location,
  source_index
FROM trailblame_events WHERE NOT is_state_change;

CREATE OR REPLACE VIEW cloudtrail_logs AS SELECT
  event_version AS eventversion,
  {'type': user_identity.type, 'principalid': user_identity.principal_id, 'arn': user_identity.arn,
   'accountid': user_identity.account_id, 'invokedby': user_identity.invoked_by,
   'accesskeyid': user_identity.access_key_id, 'username': user_identity.user_name,
   'onbehalfof': {'userid': user_identity.on_behalf_of.user_id,
                  'identitystorearn': user_identity.on_behalf_of.identity_store_arn},
   'sessioncontext': {
     'attributes': {'mfaauthenticated': user_identity.session_context.attributes.mfa_authenticated,
                    'creationdate': user_identity.session_context.attributes.creation_date},
     'sessionissuer': {'type': user_identity.session_context.session_issuer.type,
                       'principalid': user_identity.session_context.session_issuer.principal_id,
                       'arn': user_identity.session_context.session_issuer.arn,
                       'accountid': user_identity.session_context.session_issuer.account_id,
                       'username': user_identity.session_context.session_issuer.user_name},
     'ec2roledelivery': user_identity.session_context.ec2_role_delivery,
     'webidfederationdata': {
       'federatedprovider': user_identity.session_context.web_id_federation_data.federated_provider,
       'attributes': TRY_CAST(user_identity.session_context.web_id_federation_data.attributes AS MAP(VARCHAR, VARCHAR))}}} AS useridentity,
  strftime(event_time::TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ') AS eventtime,
  event_source AS eventsource, event_name AS eventname, aws_region AS awsregion,
  source_ip_address AS sourceipaddress, user_agent AS useragent, error_code AS errorcode,
  error_message AS errormessage, request_parameters::VARCHAR AS requestparameters,
  response_elements::VARCHAR AS responseelements, additional_event_data::VARCHAR AS additionaleventdata,
  request_id AS requestid, event_id AS eventid, read_only::VARCHAR AS readonly,
  list_transform(TRY_CAST(resources AS JSON[]), lambda r:
    {'arn': r ->> '$.ARN', 'accountid': r ->> '$.accountId', 'type': r ->> '$.type'}) AS resources,
  event_type AS eventtype, api_version AS apiversion, recipient_account_id AS recipientaccountid,
  service_event_details::VARCHAR AS serviceeventdetails, shared_event_id AS sharedeventid,
  vpc_endpoint_id AS vpcendpointid, vpc_endpoint_account_id AS vpcendpointaccountid,
  event_category AS eventcategory,
  CASE WHEN addendum IS NULL THEN NULL ELSE {
    'reason': addendum ->> '$.reason', 'updatedfields': addendum ->> '$.updatedFields',
    'originalrequestid': addendum ->> '$.originalRequestID', 'originaleventid': addendum ->> '$.originalEventID'} END AS addendum,
  session_credential_from_console AS sessioncredentialfromconsole,
  edge_device_details::VARCHAR AS edgedevicedetails,
  {'tlsversion': tls_details.tls_version, 'ciphersuite': tls_details.cipher_suite,
   'clientprovidedhostheader': tls_details.client_provided_host_header} AS tlsdetails,
  strftime(event_time::TIMESTAMP, '%Y/%m/%d') AS "timestamp"
FROM trailblame_events WHERE NOT is_state_change;
