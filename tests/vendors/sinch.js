// The vendor's own client against our Sinch: sends twice (JSON, form), gets, lists, reads a callback. Prints what it saw.
const { FaxService, FaxCallbackWebhooks } = require('@sinch/fax');

async function main() {
  const given = JSON.parse(process.env.GIVEN);
  const service = new FaxService({
    projectId: given.project,
    keyId: given.key,
    keySecret: given.secret,
    authHostname: given.url,
    faxHostname: given.url,
  });
  const labels = { 'dispatcher-attempt': 'attempt-7', 'dispatcher-pages': '3' };
  const files = [{ file: given.pages, fileType: 'TIF' }];
  const body = { to: given.to, files, labels, maxRetries: 0, imageConversionMethod: 'MONOCHROME', resolution: 'FINE' };
  const byJson = await service.faxes.send({ sendFaxRequestBody: body });
  const byForm = await service.faxes.send({ sendFaxRequestBody: { to: given.to, filePaths: given.file } });
  const sent = [byJson, byForm].flat();
  const got = await service.faxes.get({ id: given.ours });
  const listed = [];
  for await (const fax of service.faxes.list({ pageSize: 1 })) listed.push(fax.id);
  let refused = '';
  try {
    await service.faxes.send({ sendFaxRequestBody: { ...body, to: given.bad } });
  } catch (error) {
    refused = String(error.message || error);
  }
  const event = new FaxCallbackWebhooks().parseEvent(given.callback);
  console.log(JSON.stringify({ sent, got, listed, refused, event }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
