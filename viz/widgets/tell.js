// Tells Python what was done. Messages may be joined into one on their way, so that each carries
// the last ones as well; Python takes those that it has not heard yet.
const REMEMBERED = 40;

function teller(model) {
  let said = model.get("outbox") || [];
  return (name, what) => {
    const n = (said.length ? said[said.length - 1].n : 0) + 1;
    said = [...said, { name, what, n }].slice(-REMEMBERED);
    model.set("outbox", said);
    model.save_changes();
  };
}
