// Logging in, where the port asks for it: shown when an answer says so.

const $ = (id) => document.getElementById(id);

async function logIn(base, event) {
  event.preventDefault();
  const form = event.target;
  const body = JSON.stringify({ user: form.user.value, password: form.password.value });
  let text = 'Corvette does not answer.';
  try {
    const answer = await fetch(new URL('api/login', base), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-TOKEN': '1' },
      body,
    });
    if (answer.ok) {
      location.assign(base); // everything begins anew
      return;
    }
    text = (await answer.json()).message;
  } catch {
    // The text above says it.
  }
  $('login-problem').textContent = text;
  form.password.select();
}

/** Puts the form before the page. Harmless when it is there already. */
export function showLogin(base) {
  const dialog = $('login');
  if (!dialog.open) {
    dialog.querySelector('form').addEventListener('submit', (event) => logIn(base, event));
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    dialog.showModal();
  }
}

/** Whether an answer asks for a login. */
export function wantsLogin(answer) {
  return answer.status === 401 && answer.headers.get('Location') === '/login';
}

/** Says who is logged in, and how to leave. */
export async function showUser(ask) {
  const { username } = await ask('api/profile');
  if (username !== null && username !== 'anonymous') {
    $('user-name').textContent = username;
    $('user').hidden = false;
  }
}
